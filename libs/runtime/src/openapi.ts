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
  headers?: Record<string, string>;
  /** The request body: a shape, or content types with their shapes. */
  body?: z.ZodType | Record<string, z.ZodType>;
  /** The answer of success. */
  status: number;
  response?: z.ZodType;
  responseType?: string;
  responseHeaders?: Record<string, string>;
  /** The errors that this operation may answer with. */
  errors: readonly ErrorCode[];
  /** Errors that are no problems, where a protocol of its own says how they look. */
  refusals?: { statuses: readonly number[]; shape: z.ZodType };
}

/** An OpenAPI 3.1 document of the routes; every error is an RFC 9457 problem. */
export function openApiDocument(title: string, description: string, routes: readonly RouteDoc[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: { title, description, version: '0.1.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { schemas: { Problem: jsonSchema(problemShape, 'output') } },
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
  for (const [name, description] of Object.entries(route.headers ?? {})) {
    parameters.push({ name, in: 'header', description, schema: { type: 'string' } });
  }
  return {
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: contentOf(route.body) } }),
    responses: { [route.status]: successOf(route), ...problemsOf(errorsOf(route)), ...refusalsOf(route) },
  };
}

function errorsOf({ errors, body }: RouteDoc): ErrorCode[] {
  return [...new Set([...errors, ...(body === undefined ? [] : BODY_ERRORS), ...DOOR_ERRORS])];
}

interface QuerySchema {
  properties?: Record<string, object>;
  required?: string[];
}

function contentOf(body: z.ZodType | Record<string, z.ZodType>): object {
  const shapes = body instanceof z.ZodType ? { 'application/json': body } : body;
  return Object.fromEntries(
    Object.entries(shapes).map(([type, shape]) => [type, { schema: jsonSchema(shape, 'input') }]),
  );
}

function successOf(route: RouteDoc): object {
  const headers = Object.entries(route.responseHeaders ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return {
    description: 'Success',
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) as object }),
    ...(route.response === undefined
      ? {}
      : { content: { [route.responseType ?? 'application/json']: { schema: jsonSchema(route.response, 'output') } } }),
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
  const content = { 'application/json': { schema: jsonSchema(refusals.shape, 'output') } };
  return Object.fromEntries(refusals.statuses.map((status) => [status, { description: 'Refused', content }]));
}

function jsonSchema(shape: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' });
  return schema;
}
