import { ODATA_PATH } from '@heddle/odata';
import { ODATA_SERVICE_NAMES } from '../fetch/odata-services.js';
import { type ClientRecord, clientIdOf } from './client.js';
import type { ServiceKey } from './clients.shape.js';

/** Where a client finds what it needs. */
export interface ServiceUrls {
  /** As clients reach the gateway, without a slash at its end. */
  baseUrl: string;
  issuer: string;
}

/** All a client needs in one document, to be downloaded and kept: the secret stands in it when it was just made. */
export function serviceKeyOf(
  client: ClientRecord,
  { baseUrl, issuer }: ServiceUrls,
  clientSecret?: string,
): ServiceKey {
  const socketUrl = baseUrl.replace(/^http/, 'ws');
  return {
    tenant: client.tenant,
    namespace: client.namespace,
    oauth2: {
      issuer,
      tokenEndpoint: `${baseUrl}/oauth/token`,
      jwksUri: `${baseUrl}/.well-known/jwks.json`,
      grantType: 'client_credentials',
      clientId: clientIdOf(client),
      ...(clientSecret === undefined ? {} : { clientSecret }),
      scope: client.permissions.join(' '),
    },
    protocols: {
      http: { publish: `${baseUrl}/v1/events`, objects: `${baseUrl}/v1/objects/{object}/{key}` },
      pull: {
        receive: `${baseUrl}/v1/queues/{queue}/receive`,
        settle: `${baseUrl}/v1/queues/{queue}/settle`,
      },
      sse: { stream: `${baseUrl}/v1/stream` },
      websocket: { stream: `${socketUrl}/v1/stream`, connect: `${socketUrl}/v1/queues/{queue}/connect` },
      amqp: { uri: `${socketUrl}/protocols/amqp10ws` },
      mqtt: { connect: `${socketUrl}/protocols/mqtt311ws`, subprotocol: 'mqtt' },
      webhook: { manage: `${baseUrl}/v1/webhooks` },
      odata: Object.fromEntries(ODATA_SERVICE_NAMES.map((name) => [name, `${baseUrl}${ODATA_PATH}/${name}/$metadata`])),
    },
    management: { uri: `${baseUrl}/v1`, openapi: `${baseUrl}/openapi.json`, asyncapi: `${baseUrl}/asyncapi.json` },
  };
}
