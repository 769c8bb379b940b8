import { ERRORS, type ErrorCode } from '@heddle/event';
import { z } from 'zod';

/** What any request may be answered with, and any that has a body: it is about the door, not about what is behind. */
const DOOR_ERRORS: readonly ErrorCode[] = ['request-timeout', 'headers-too-large'];
const BODY_ERRORS: readonly ErrorCode[] = [
  'body-invalid',
  'too-complex',
  'too-large',
  'content-type-unsupported',
  'encoding-unsupported',
];

/** And any that is not open to everybody. */
const ACCESS_ERRORS: readonly ErrorCode[] = ['token-missing', 'token-invalid', 'permission-missing'];

/** One operation as the OpenAPI document shows it. */
export interface RouteDoc {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With parameters in braces: `/sales-orders/{key}`. */
  path: string;
  summary: string;
  /** The rules of path parameters; any text where none is given. */
  params?: Record<string, z.ZodType>;
  /** Query parameters with their rules. */
  query?: z.ZodObject;
  /** Request headers: what each says, or its rule with a description; by that it may have to be there. */
  headers?: Record<string, string | z.ZodType>;
  /** The request body: a shape, or content types with their shapes. */
  body?: z.ZodType | Record<string, z.ZodType>;
  /** Anybody may, without an access token. */
  isPublic?: true;
  /** The answer of success. */
  status: number;
  /** Other statuses of success: with the same response, or with none. */
  also?: Readonly<Record<number, 'same' | 'empty'>>;
  /** A shape, of `responseType`; or content types with their shapes. */
  response?: z.ZodType | Record<string, z.ZodType>;
  responseType?: string;
  responseHeaders?: Record<string, string>;
  /** The errors that this operation may answer with. */
  errors: readonly ErrorCode[];
  /** Errors that are no problems, where a protocol of its own says how they look. */
  refusals?: { statuses: readonly number[]; shape: z.ZodType | Record<string, z.ZodType> };
}

/** An OpenAPI 3.1 document of the routes; every error is an RFC 9457 problem. */
export function openApiDocument(title: string, description: string, routes: readonly RouteDoc[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: { title, description, version: '0.1.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemShape, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'an access token of /oauth/token' },
      },
    },
  };
}

const problemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  field: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), rule: z.string() })).optional(),
});

function operation(route: RouteDoc): object {
  const parameters: object[] = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: route.params?.[name!] === undefined ? { type: 'string' } : jsonSchema(route.params[name!]!, 'input'),
  }));
  const query = route.query === undefined ? {} : (jsonSchema(route.query, 'input') as QuerySchema);
  for (const [name, schema] of Object.entries(query.properties ?? {})) {
    parameters.push({ name, in: 'query', required: query.required?.includes(name) ?? false, schema });
  }
  for (const [name, rule] of Object.entries(route.headers ?? {})) {
    const described =
      typeof rule === 'string'
        ? { description: rule, schema: { type: 'string' } }
        : { required: !rule.safeParse(undefined).success, schema: jsonSchema(rule, 'input') };
    parameters.push({ name, in: 'header', ...described });
  }
  return {
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route.body) }),
    security: route.isPublic === true ? [] : [{ bearer: [] }],
    responses: { ...successesOf(route), ...problemsOf(errorsOf(route)), ...refusalsOf(route) },
  };
}

function errorsOf({ errors, body, isPublic }: RouteDoc): ErrorCode[] {
  const ofAccess = isPublic === true ? [] : ACCESS_ERRORS;
  return [...new Set([...errors, ...ofAccess, ...(body === undefined ? [] : BODY_ERRORS), ...DOOR_ERRORS])];
}

interface QuerySchema {
  properties?: Record<string, object>;
  required?: string[];
}

function requestBodyOf(body: z.ZodType | Record<string, z.ZodType>): object {
  // A shape that has all by default needs no body.
  const required = !(body instanceof z.ZodType && body.safeParse(undefined).success);
  return { required, content: contentOf(body, 'input') };
}

function contentOf(
  shape: z.ZodType | Record<string, z.ZodType>,
  io: 'input' | 'output',
  type = 'application/json',
): object {
  const shapes = shape instanceof z.ZodType ? { [type]: shape } : shape;
  return Object.fromEntries(Object.entries(shapes).map(([name, one]) => [name, { schema: jsonSchema(one, io) }]));
}

function successesOf(route: RouteDoc): Record<string, object> {
  const success = successOf(route);
  const others = Object.entries(route.also ?? {}).map(([status, what]) => [
    status,
    what === 'same' ? success : { description: 'Success, with nothing to say' },
  ]);
  return { [route.status]: success, ...(Object.fromEntries(others) as Record<string, object>) };
}

function successOf(route: RouteDoc): object {
  const headers = Object.entries(route.responseHeaders ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return {
    description: 'Success',
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) as object }),
    ...(route.response === undefined ? {} : { content: contentOf(route.response, 'output', route.responseType) }),
  };
}

function problemsOf(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), code]);
  const responses: Record<string, object> = {};
  for (const [status, found] of byStatus) {
    responses[status] = {
      description: found.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return responses;
}

function refusalsOf({ refusals }: RouteDoc): Record<string, object> {
  if (refusals === undefined) return {};
  const content = contentOf(refusals.shape, 'output');
  return Object.fromEntries(refusals.statuses.map((status) => [status, { description: 'Refused', content }]));
}

function jsonSchema(shape: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any', override: plainPair });
  return schema;
}

/** A tuple of things that are all alike is an array of so many: not every reader of the document knows `prefixItems`. */
function plainPair({ jsonSchema: schema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const [first, ...others] = schema.prefixItems ?? [];
  if (first === undefined || others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) return;
  schema.items = first;
  delete schema.prefixItems;
}
