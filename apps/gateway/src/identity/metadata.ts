import { ALGORITHMS, type JWK } from '@heddle/auth';
import type { FastifyInstance } from 'fastify';

/** Seconds for which the key set may be kept; a key is published for longer before it signs. */
const KEYS_MAX_AGE_S = 300;

/** Where tokens come from and how they are checked (RFC 8414; OpenID Connect Discovery 1.0 §3 for who reads that). */
export function metadataOf(issuer: string, baseUrl: string): object {
  return {
    issuer,
    token_endpoint: `${baseUrl}/oauth/token`,
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    // Nobody logs in here: there is no authorization endpoint, and there are no id tokens.
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

/** Adds the documents that say where tokens come from, and the keys they are checked with. */
export function openMetadata(server: FastifyInstance, document: object, keys: { jwks(): { keys: JWK[] } }): void {
  const config = { access: 'public' } as const;
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    server.get(`/.well-known/${name}`, { config }, (_request, reply) => reply.send(document));
  }
  server.get('/.well-known/jwks.json', { config }, (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${KEYS_MAX_AGE_S}`)
      .type('application/jwk-set+json')
      .send(JSON.stringify(keys.jwks())),
  );
}
