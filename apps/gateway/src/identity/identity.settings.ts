import { baseUrlSchema, countSchema, tokenSettings } from '@heddle/runtime';
import { z } from 'zod';

const listSchema = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const originsSchema = listSchema.refine(
  (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
  'must be origins as https://console.example, separated by commas',
);

const claim = (name: string): z.ZodDefault<z.ZodString> => z.string().min(1).max(128).default(name);

/** The settings of who may come in. */
export const identitySettings = {
  clientsFile: {
    env: 'HEDDLE_CLIENTS_FILE',
    schema: z.string().min(1).optional(),
    about:
      'JSON file of clients that are there from the start, as {"clients": [{"client", "tenant", "namespace", "secret", "permissions"}]}; only its owner may read it',
  },
  ...tokenSettings,
  tokenLifeSeconds: {
    env: 'HEDDLE_TOKEN_LIFE_SECONDS',
    schema: countSchema(30, 86_400).default(3600),
    about: 'seconds for which an access token is good',
  },
  tokenEndpoint: {
    env: 'HEDDLE_TOKEN_ENDPOINT',
    schema: z.stringbool('must be true or false').default(true),
    about: 'false where all tokens come from the issuer of HEDDLE_OIDC_ISSUER',
  },
  clientCertificates: {
    env: 'HEDDLE_CLIENT_CERTIFICATES',
    schema: z.stringbool('must be true or false').default(false),
    about:
      'true to ask connections for a certificate, by which clients may get tokens in place of a secret; needs HEDDLE_TLS=own',
  },
  signingKeyHours: {
    env: 'HEDDLE_SIGNING_KEY_HOURS',
    schema: z.coerce.number().min(0.5).max(8760).default(720),
    about: 'hours for which a key signs access tokens before the next one does',
  },
  allowedOrigins: {
    env: 'HEDDLE_ALLOWED_ORIGINS',
    schema: originsSchema,
    about:
      'origins of pages that may open WebSockets and event streams, separated by commas; those of the same machine when not set',
  },
  oidcIssuer: {
    env: 'HEDDLE_OIDC_ISSUER',
    schema: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
    about: 'OpenID issuer elsewhere whose access tokens are believed, to the letter as they name it',
  },
  oidcAudience: {
    env: 'HEDDLE_OIDC_AUDIENCE',
    schema: z.string().min(1).default('heddle'),
    about: 'audience that its tokens must have',
  },
  oidcKeysUrl: {
    env: 'HEDDLE_OIDC_KEYS_URL',
    schema: baseUrlSchema.optional(),
    about: 'URL of its key set; asked of the issuer when not set',
  },
  oidcTypes: {
    env: 'HEDDLE_OIDC_TYPES',
    schema: z
      .string()
      .default('at+jwt')
      .transform((text) => text.split(',').map((type) => type.trim())),
    about: 'values of the header typ of its access tokens, separated by commas; some issuers send JWT',
  },
  oidcMapping: {
    env: 'HEDDLE_OIDC_MAPPING',
    schema: z.enum(['clients', 'scopes'], 'must be clients or scopes').default('clients'),
    about:
      'clients: a claim names a client of the gateway, which says what it may do; scopes: tenant and permissions stand in the token',
  },
  oidcClientClaim: {
    env: 'HEDDLE_OIDC_CLIENT_CLAIM',
    schema: claim('client_id'),
    about: 'claim that names the client',
  },
  oidcTenantClaim: { env: 'HEDDLE_OIDC_TENANT_CLAIM', schema: claim('tenant'), about: 'claim that names the tenant' },
  oidcNamespaceClaim: {
    env: 'HEDDLE_OIDC_NAMESPACE_CLAIM',
    schema: claim('namespace'),
    about: 'claim that has the namespace; {tenant}/mesh/external without it',
  },
  oidcScopeClaim: { env: 'HEDDLE_OIDC_SCOPE_CLAIM', schema: claim('scope'), about: 'claim that has the permissions' },
} as const;
