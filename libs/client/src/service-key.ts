import { ClientTokens } from './client-tokens.js';
import type { Gateway } from './gateway-http.js';

/** The document of `/v1/clients/{client}/service-key`, as far as a receiver needs it. */
export interface ServiceKey {
  oauth2: { tokenEndpoint: string; clientId: string; clientSecret?: string };
  management: { uri: string };
}

/**
 * What a service key says, to be handed to anything here: `connectQueue({ ...fromServiceKey(json), queue, handle })`.
 *
 * @param key the document, or its text
 * @throws TypeError for a document that is none, or has no secret: only the one of a `POST` has it
 */
export function fromServiceKey(key: ServiceKey | string): Gateway & { token: ClientTokens } {
  const { oauth2, management } = typeof key === 'string' ? (JSON.parse(key) as Partial<ServiceKey>) : key;
  if (oauth2 === undefined || management === undefined) throw new TypeError('This is no service key.');
  const { tokenEndpoint: tokenUrl, clientId, clientSecret } = oauth2;
  if (clientSecret === undefined) {
    throw new TypeError(`The service key of ${clientId} has no secret: POST to its path makes one that has.`);
  }
  return {
    url: management.uri.replace(/\/v1\/?$/, ''),
    token: new ClientTokens({ tokenUrl, clientId, clientSecret }),
  };
}
