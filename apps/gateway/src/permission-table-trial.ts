/** One operation, and who may do it. */
export interface PermissionRow {
  /** As the OpenAPI document names it: method and path. */
  operation: string;
  /** What is enough. */
  needs: string;
  /** What whoever lacks that, or belongs to another tenant, gets to see; the ordinary 403 and 404 where it is empty. */
  else: string;
}

const MANAGE = 'manage:queue:{name}';
const SEEN = 'any client, with manage, consume or replay on';
const EITHER = `${SEEN} the queue`;
const HUB = '/hub/rest/api/v1/management/messaging';
const MADE = `${MANAGE}, and consume:type:… for each pattern it names; consume:topic:… for each pattern of topics, or consume:type:… of what that stands for`;
const HOOKED = `${MADE}, or consume:queue:… for the queue it names`;
const REPLAY = 'replay:queue:{name}';
const SOME_REPLAY = 'replay:queue:… on the queue of each';
const ONE_CLIENT = 'manage:client:{client}';
const CLIENT = `${ONE_CLIENT}, and every permission that the client has`;
const FETCHED = 'fetch:type:… for a type that is about the object';
const TOPIC = 'any client, with publish:topic:… on it; for that of an event type, publish:type:… instead';
const SUBSCRIBED = 'any client that made it, or has manage:queue:… on its name';
const SUBSCRIBES = 'any client, with consume:queue:… for the queue it names';
const SUBSCRIBES_TYPES = 'any client, with consume:type:… for each pattern it names';
const LISTED = 'the list has only those';
const NOTHING = '404, as if there were none';

/** The specification of who may do what: held to the routes that there are, and to what they answer, by tests. */
export const PERMISSIONS: readonly PermissionRow[] = [
  row('POST /v1/events', 'publish:type:… for the type of each event', 'in a batch, 403 for that event'),
  row('GET /v1/stream', 'consume:type:… for each pattern it names; some consume:type:… when it names none'),
  row('GET /v1/queues', `${SEEN} a name`, LISTED),
  row('GET /v1/queues/{name}', EITHER),
  row('PUT /v1/queues/{name}', MADE),
  row('DELETE /v1/queues/{name}', MANAGE),
  row('POST /v1/queues/{name}/pause', MANAGE),
  row('POST /v1/queues/{name}/resume', MANAGE),
  row('POST /v1/queues/{name}/purge', MANAGE),
  row('POST /v1/queues/{name}/receive', 'consume:queue:{name}'),
  row('POST /v1/queues/{name}/settle', 'consume:queue:{name}'),
  row('GET /v1/queues/{name}/connect', 'consume:queue:{name}'),
  row('GET /v1/queues/{name}/monitor', EITHER),
  row('POST /v1/queues/{name}/test-events', 'publish:queue:{name}'),
  row('POST /v1/queues/{name}/replay', REPLAY),
  row('GET /v1/queues/{name}/replays', EITHER),
  row('GET /v1/queues/{name}/replays/{id}', EITHER),
  row('POST /v1/queues/{name}/replays/{id}/stop', REPLAY),
  row('GET /v1/channels', `${SEEN} a name`, LISTED),
  row('GET /v1/channels/{name}', EITHER),
  row('PUT /v1/channels/{name}', `${MANAGE}, and consume:type:… for the type of each binding`),
  row('DELETE /v1/channels/{name}', MANAGE),
  row('POST /v1/channels/{name}/activate', MANAGE),
  row('POST /v1/channels/{name}/deactivate', MANAGE),
  row('GET /v1/channels/{name}/check', `${EITHER}; it tells of webhooks whose names they may know`),
  row('POST /v1/channels/{name}/test-events', 'publish:queue:{name}'),
  row('GET /v1/channels/{name}/asyncapi', EITHER),
  row('GET /v1/channels/{name}/monitor', EITHER),
  row('GET /v1/channels/{name}/events', EITHER),
  row('POST /v1/channels/{name}/retry', REPLAY),
  row('GET /v1/webhooks', `${SEEN} a name`, LISTED),
  row('GET /v1/webhooks/{name}', EITHER),
  row('PUT /v1/webhooks/{name}', HOOKED),
  row('DELETE /v1/webhooks/{name}', MANAGE),
  row('POST /v1/webhooks/{name}/pause', MANAGE),
  row('POST /v1/webhooks/{name}/resume', MANAGE),
  row('POST /v1/webhooks/{name}/secrets/rotate', MANAGE),
  row('POST /v1/webhooks/{name}/test', `${MANAGE}, and consume:type:… when it names a stored event`),
  row('GET /v1/webhooks/handshake/{token}', 'everybody who has the token'),
  row('POST /v1/webhooks/handshake/{token}', 'everybody who has the token'),
  row('GET /v1/attempts', `${SEEN} the queue of each`, LISTED),
  row('GET /v1/events/{id}', `any client, with consume:type:… of it, or a right to a queue it came to`, NOTHING),
  row('GET /v1/objects/{object}/{key}/events', 'any client, with consume:type:… of each event', LISTED),
  row('GET /v1/dead-letters', `${SEEN} the queue of each`, LISTED),
  row('GET /v1/dead-letters/{id}', SOME_REPLAY),
  row('POST /v1/dead-letters/redrive', SOME_REPLAY, 'letters of another tenant are none'),
  row('GET /v1/dead-letters/redrives', `${SEEN} the queues of each`, LISTED),
  row('GET /v1/dead-letters/redrives/{id}', `${SEEN} its queues`, NOTHING),
  row('POST /v1/dead-letters/redrives/{id}/stop', SOME_REPLAY),
  row('GET /v1/operations', `${SEEN} the queue or webhook of each`, LISTED),
  row('GET /v1/audit', 'manage:client:…', 'the list has what those clients did'),
  row('POST /v1/filters/test', 'consume:type:… for each pattern it names; some consume:type:… when it names none'),
  row('GET /v1/objects/{object}/{key}', 'fetch:type:… for a type that is about the object'),
  row('GET /v1/objects/{object}/{key}/document', 'fetch:type:… for a type that is about the object'),
  ...['GET', 'OPTIONS'].flatMap((method) => [
    row(`${method} /sap/opu/odata/sap/{service}`, FETCHED),
    row(`${method} /sap/opu/odata/sap/{service}/*`, FETCHED),
  ]),
  ...['POST', 'PUT', 'PATCH', 'MERGE', 'DELETE'].map((method) =>
    row(`${method} /sap/opu/odata/sap/{service}/*`, `${FETCHED}, and publish:type:… for all that changes of it raise`),
  ),
  row('GET /v1/catalogue', 'any client'),
  row('GET /v1/catalogue/{type}', 'any client'),
  row('GET /v1/catalogue/{type}/readers', `${SEEN} a queue, for its name`, LISTED),
  row('GET /v1/schemas/{id}', 'any client'),
  row('GET /v1/clients', 'manage:client:…', LISTED),
  row('GET /v1/clients/{client}', CLIENT),
  row('PUT /v1/clients/{client}', `${CLIENT} or is to have`),
  row('DELETE /v1/clients/{client}', CLIENT),
  row('POST /v1/clients/{client}/secrets', CLIENT),
  row('DELETE /v1/clients/{client}/secrets/{id}', CLIENT),
  row('GET /v1/clients/{client}/service-key', CLIENT),
  row('POST /v1/clients/{client}/service-key', CLIENT),
  row('GET /v1/tenants', 'manage:tenant:…', LISTED),
  row('PUT /v1/tenants/{tenant}', 'manage:tenant:{tenant}', '* alone is not enough'),
  row('DELETE /v1/tenants/{tenant}', 'manage:tenant:{tenant}', '* alone is not enough'),
  row('POST /v1/tickets', 'any client', 'what the ticket opens asks for its own permission'),
  row('POST /v1/tenants/{tenant}/queues/{name}/letters', 'other instances of the gateway', '403, to every client'),
  row('POST /v1/tenants/{tenant}/queues/{name}/leases', 'other instances of the gateway', '403, to every client'),
  row('POST /v1/tenants/{tenant}/queues/{name}/group', 'other instances of the gateway', '403, to every client'),
  row('POST /messagingrest/v1/topics/{topic}/messages', TOPIC),
  row('POST /messagingrest/v1/queues/{queue}/messages', 'publish:queue:{queue}'),
  row('POST /messagingrest/v1/queues/{queue}/messages/consumption', 'consume:queue:{queue}'),
  row('POST /messagingrest/v1/queues/{queue}/messages/{id}/acknowledgement', 'consume:queue:{queue}'),
  row('GET /messagingrest/v1/subscriptions', SUBSCRIBED, LISTED),
  row('POST /messagingrest/v1/subscriptions', SUBSCRIBES),
  row('GET /messagingrest/v1/subscriptions/{name}', SUBSCRIBED, NOTHING),
  row('DELETE /messagingrest/v1/subscriptions/{name}', SUBSCRIBED, NOTHING),
  row('POST /messagingrest/v1/subscriptions/{name}/handshake', SUBSCRIBED, NOTHING),
  row('PUT /messagingrest/v1/subscriptions/{name}/state', SUBSCRIBED, NOTHING),
  row('POST /sap/ems/v1/events', TOPIC, 'in a batch, 403 for that event'),
  row('GET /sap/ems/v1/events/subscriptions', SUBSCRIBED, LISTED),
  row('POST /sap/ems/v1/events/subscriptions', SUBSCRIBES_TYPES),
  row('GET /sap/ems/v1/events/subscriptions/{name}', SUBSCRIBED, NOTHING),
  row(
    'PATCH /sap/ems/v1/events/subscriptions/{name}',
    `${SUBSCRIBED}, and may still consume what it delivers`,
    NOTHING,
  ),
  row('DELETE /sap/ems/v1/events/subscriptions/{name}', SUBSCRIBED, NOTHING),
  row('POST /sap/ems/v1/events/subscriptions/{name}/handshake', SUBSCRIBED, NOTHING),
  row('PUT /sap/ems/v1/events/subscriptions/{name}/state', SUBSCRIBED, NOTHING),
  row(`GET ${HUB}/queues`, `${SEEN} a name`, LISTED),
  row(`GET ${HUB}/queues/{name}`, EITHER),
  row(`PUT ${HUB}/queues/{name}`, MANAGE),
  row(`DELETE ${HUB}/queues/{name}`, MANAGE),
  row(`GET ${HUB}/queues/{name}/subscriptions`, EITHER),
  row(`PUT ${HUB}/queues/{name}/subscriptions/{pattern}`, `${MANAGE}, and consume:topic:… for the pattern`),
  row(`DELETE ${HUB}/queues/{name}/subscriptions/{pattern}`, `${MANAGE}, and consume:topic:… for those that stay`),
  row(`GET ${HUB}/queuesStatistics`, `${SEEN} a name`, LISTED),
  row(`GET ${HUB}/queues/{name}/statistics`, EITHER),
  row(`GET ${HUB}/statistics`, `${SEEN} the names of what is counted`, LISTED),
  row(`GET ${HUB}/resourceusage`, 'manage:queue:…'),
  row(`GET ${HUB}/readinessCheck`, 'any client'),
  row('GET /oauth/token', 'everybody with the secret or key of a client'),
  row('POST /oauth/token', 'everybody with the secret or key of a client'),
  row('GET /.well-known/jwks.json', 'everybody'),
  row('GET /.well-known/oauth-authorization-server', 'everybody'),
  row('GET /.well-known/openid-configuration', 'everybody'),
  row('GET /healthz', 'everybody'),
  row('GET /healthz/live', 'everybody'),
  row('GET /healthz/ready', 'everybody'),
  row('GET /metrics', 'everybody', 'no figure is of one tenant'),
  row('GET /openapi.json', 'everybody'),
  row('GET /asyncapi.json', 'everybody'),
];

const NO_PUBACK = 'PUBACK 0x87; in MQTT 3.1.1 the connection ends';
const NO_SUBACK = 'SUBACK 0x87; in MQTT 3.1.1 0x80';
const CONSUMED = 'consume:topic:… for the filter, or consume:type:… of what that stands for';

/** The same for what is done on a connection of MQTT, over WebSocket and over TCP. */
export const MQTT_PERMISSIONS: readonly PermissionRow[] = [
  row('MQTT CONNECT', 'any client', 'CONNACK 0x86; in MQTT 3.1.1 4'),
  row('MQTT PUBLISH {topic}', 'publish:topic:{topic}; for that of an event type, publish:type:… instead', NO_PUBACK),
  row('MQTT PUBLISH queue:{queue}', 'publish:queue:{queue}', `${NO_PUBACK}; 0x90 of another tenant`),
  row('MQTT SUBSCRIBE {filter}', CONSUMED, NO_SUBACK),
  row('MQTT SUBSCRIBE $share/{group}/{filter}', CONSUMED, NO_SUBACK),
  row('MQTT SUBSCRIBE queue:{queue}', 'consume:queue:{queue}', `${NO_SUBACK}; 0x8f of another tenant`),
  row('MQTT will', 'as PUBLISH, when it is published', 'it is not published'),
];

function row(operation: string, needs: string, otherwise = ''): PermissionRow {
  return { operation, needs, else: otherwise };
}
