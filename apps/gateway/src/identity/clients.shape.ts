import { KINDS, VERBS } from '@heddle/auth';
import { z } from 'zod';
import { thumbprintOf } from './client-certificate.js';
import { descriptorShape } from './descriptor.js';
import { eventMeshKeyShape } from './event-mesh-key.js';

const DAY_S = 86_400;

/** Characters that permissions may have together: they stand in every token, which may have 8 KiB. */
export const MAX_SCOPE = 4096;

const LIMITS = {
  permissions: 100,
  keys: 4,
  certificates: 4,
  overlapSeconds: 7 * DAY_S,
} as const;

/** What `Permissions` reads, for the documents: what is wrong is told by that, which names the part. */
const PERMISSION = `^(?:[*]|(?:${VERBS.join('|')}):(?:${KINDS.join('|')}):(?:[*]|[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*[*]?))$`;

const segment = '[A-Za-z0-9_-]{1,64}';
export const namespaceShape = z
  .string()
  .regex(new RegExp(`^${segment}/${segment}/${segment}$`), 'must be three segments, as acme/sales/prod')
  .describe('three segments, the tenant first: acme/sales/prod');

export const permissionsShape = z
  .array(z.string().min(1).max(320).meta({ pattern: PERMISSION, maxLength: undefined }))
  .max(LIMITS.permissions)
  .refine(
    (permissions) => permissions.join(' ').length <= MAX_SCOPE,
    `must have ${MAX_SCOPE} characters together at most`,
  )
  .describe(
    `what it may do: ${VERBS.join('|')}:${KINDS.join('|')}:pattern, or * alone; nothing else. Given by whom has them`,
  );

const keyShape = z
  .looseObject({ kty: z.enum(['EC', 'OKP', 'RSA']), kid: z.string().min(1).max(256).optional() })
  .describe('a public key as JWK, of EC P-256, OKP Ed25519 or RSA');

const certificateShape = z
  .string()
  .max(16 * 1024)
  .refine((text) => thumbprintOf(text) !== undefined, 'must be a certificate in PEM')
  .describe('a certificate in PEM; who has signed it does not matter');

/** The body of `PUT /v1/clients/{client}`. What is left out is as if it had never been set, except the secrets. */
export const clientShape = z
  .strictObject({
    permissions: permissionsShape.optional(),
    descriptor: descriptorShape.optional(),
    namespace: namespaceShape.optional().describe('that of whoever makes it, when not said'),
    description: z.string().max(256).optional(),
    disabled: z.boolean().default(false).describe('refused from now on, with the tokens it has, until it is enabled'),
    keys: z
      .array(keyShape)
      .max(LIMITS.keys)
      .default([])
      .describe('for private_key_jwt; a client that is made with keys gets no secret'),
    certificates: z
      .array(certificateShape)
      .max(LIMITS.certificates)
      .optional()
      .describe('for mTLS, where the gateway asks for certificates; a client that is made with some gets no secret'),
  })
  .refine(({ permissions, descriptor }) => (permissions === undefined) !== (descriptor === undefined), {
    path: ['permissions'],
    message: 'must be there, or a descriptor that they come from, and not both',
  });

export type ClientRequest = z.output<typeof clientShape>;

/** The body of `POST /v1/clients/{client}/secrets`. */
export const rotateSecretShape = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(LIMITS.overlapSeconds)
    .default(DAY_S)
    .describe('for how long the secret so far opens the door, too'),
});

export type RotateSecretRequest = z.output<typeof rotateSecretShape>;

const format = z
  .enum(['heddle', 'event-mesh'])
  .default('heddle')
  .describe('as our own clients read it, or as those of SAP Event Mesh do');

/** The query of `GET /v1/clients/{client}/service-key`. */
export const serviceKeyQuery = z.strictObject({
  format,
  credentialType: z
    .enum(['secret', 'x509'])
    .default('secret')
    .describe(
      'x509, with the format of SAP Event Mesh: with the newest certificate of the client; its key stays with the client',
    ),
});

export type ServiceKeyQuery = z.output<typeof serviceKeyQuery>;

/** The body of `POST /v1/clients/{client}/service-key`. */
export const serviceKeyRequestShape = rotateSecretShape.extend({ format });

export type ServiceKeyFormat = z.output<typeof format>;
export type ServiceKeyRequest = z.output<typeof serviceKeyRequestShape>;

const secretViewShape = z.object({
  id: z.string(),
  createdAt: z.string(),
  endsAt: z.string().optional().describe('when it is no secret any more'),
});

export const clientViewShape = z.object({
  client: z.string(),
  clientId: z.string().describe('its id at the token endpoint'),
  tenant: z.string(),
  namespace: z.string(),
  permissions: z.array(z.string()),
  description: z.string().optional(),
  descriptor: z.looseObject({}).optional().describe('which its permissions come from'),
  disabled: z.boolean(),
  version: z.int(),
  createdAt: z.string(),
  changedAt: z.string(),
  validFrom: z.string().describe('tokens that were issued before are refused'),
  secrets: z.array(secretViewShape).describe('two at most; the secrets themselves are shown when they are made'),
  keys: z.array(z.looseObject({})),
  certificates: z.array(z.string()).optional(),
  clientSecret: z.string().optional().describe('shown once, by the request that made it'),
});

export type ClientView = z.output<typeof clientViewShape>;

export const newSecretShape = secretViewShape.extend({
  clientSecret: z.string().describe('shown this once'),
});

export type NewSecret = z.output<typeof newSecretShape>;

export const serviceKeyShape = z.object({
  tenant: z.string(),
  namespace: z.string(),
  oauth2: z.object({
    issuer: z.string(),
    tokenEndpoint: z.string(),
    jwksUri: z.string(),
    grantType: z.literal('client_credentials'),
    clientId: z.string(),
    clientSecret: z.string().optional().describe('only where it was just made'),
    scope: z.string(),
  }),
  protocols: z
    .record(z.string(), z.record(z.string(), z.string()))
    .describe('URLs by protocol; {queue}, {object} and {key} are filled in'),
  management: z.object({ uri: z.string(), openapi: z.string(), asyncapi: z.string() }),
});

export type ServiceKey = z.output<typeof serviceKeyShape>;

export const anyServiceKeyShape = z.union([serviceKeyShape, eventMeshKeyShape]);

export type AnyServiceKey = z.output<typeof anyServiceKeyShape>;

/** The body of `PUT /v1/tenants/{tenant}`. */
export const tenantShape = z.strictObject({
  namespace: namespaceShape.optional().describe('of its administrator; {tenant}/mesh/dev when not said'),
  description: z.string().max(256).optional(),
});

export type TenantRequest = z.output<typeof tenantShape>;

export const tenantViewShape = z.object({
  tenant: z.string(),
  description: z.string().optional(),
  createdAt: z.string().optional(),
});

export type TenantView = z.output<typeof tenantViewShape>;

export const madeTenantShape = tenantViewShape.extend({ serviceKey: serviceKeyShape });

/** The body of `POST /v1/tickets`. */
export const ticketRequestShape = z.strictObject({
  path: z.string().max(300).describe('the door that it opens: /v1/stream, or /v1/queues/{name}/connect'),
});

export const ticketShape = z.object({
  ticket: z.string().describe('the parameter ticket of that door'),
  path: z.string(),
  expiresAt: z.string(),
});
