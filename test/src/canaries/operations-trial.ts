import { device } from './device-trial.js';
import type { Party } from './party-trial.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
/** The same for all tenants. */
const KEYS = ['K1', 'K2', 'K3'];
const QUEUES = ['orders', 'invoices', 'states'];
const WEBHOOKS = ['hook', 'deliver'];
/** Ids of events that there are: each tenant has all of them in the end. */
const EVENTS = 400;
const ODATA = '/sap/opu/odata/sap/API_SALES_ORDER_SRV';
const HUB = '/hub/rest/api/v1/management/messaging';
const MESSAGING = '/messagingrest/v1';
const SAP_EVENTS = '/sap/ems/v1/events';
const SAP_QUEUE = encodeURIComponent('sap/queue');
const SAP_HEADERS = { 'x-qos': '1', 'content-type': 'text/plain' };
const RETRY = { attempts: 2, firstMs: 1, capMs: 1, factor: 1 };

interface Letter {
  id: string;
}
interface Delivery {
  lease: string;
}

/** Reads all its events over WebSockets and MQTT from queues: of those that chance opened, none need have had one to deliver. */
export async function readAll(party: Party): Promise<void> {
  for (const name of QUEUES) {
    await party.call('DELETE', `/v1/queues/${name}`);
    await party.call('PUT', `/v1/queues/${name}`, { types: [SIGNED], start: 'earliest' });
    const socket = await party.connect(`/v1/queues/${name}/connect`, 'heddle.v1', 'queue');
    socket?.send(JSON.stringify({ kind: 'hello', id: party.canary }));
    socket?.send(JSON.stringify({ kind: 'credit', add: 5 }));
  }
  // What is left of them.
  await party.mqtt({ clientId: 'reader', filters: QUEUES.map((name) => `queue:${name}`), publishes: [] });
}

/**
 * What a tenant does, and how often of all; each is written so that only the canary of the tenant itself is in it. What
 * it takes of others are things that nobody can read anything in: leases, positions, ids.
 */
export function operationsFor(others: readonly Party[]): [weight: number, run: (party: Party) => Promise<unknown>][] {
  const foreign = (party: Party, kind: string): string =>
    party.oneOf(others.filter((other) => other !== party)).some(kind);
  /** Its own, or somebody else's. */
  const any = (party: Party, kind: string): string =>
    party.chance.next() < 0.5 ? party.some(kind) : foreign(party, kind);
  const queue = (party: Party): string => party.oneOf([...QUEUES, `q-${party.canary}`]);
  const webhook = (party: Party): string => party.oneOf([...WEBHOOKS, `w-${party.canary}`]);
  const attributes = (party: Party): Record<string, string> => ({
    specversion: '1.0',
    // Few, so that events of other tenants have the same; some are duplicates.
    id: `e${party.below(EVENTS)}`,
    source: '/shared',
    canary: party.canary,
  });
  const event = (party: Party): Record<string, unknown> => {
    const example = party.trial.catalogue.get(SIGNED)!.example as object;
    const Contract = party.oneOf(KEYS);
    // Whose the object is that it refers to is asked in the name of its tenant.
    const dataref = `/v1/objects/sales-order/${Contract}?version=1`;
    return { ...attributes(party), type: SIGNED, dataref, data: { ...example, Contract, SignedBy: party.canary } };
  };
  const receive = async (party: Party): Promise<void> => {
    const { json } = await party.call('POST', `/v1/queues/${queue(party)}/receive`, { max: 5 });
    const leases = ((json['deliveries'] ?? []) as Delivery[]).map(({ lease }) => lease);
    party.learn('lease', leases);
  };
  const settlements = (party: Party): object[] => {
    const action = party.oneOf(['accept', 'accept', 'release', 'reject', 'renew']);
    const reason = action === 'release' || action === 'reject' ? { reason: `because of ${party.canary}` } : {};
    return [any(party, 'lease'), party.some('lease')].map((lease) => ({ lease, action, ...reason }));
  };
  const change = (of: 'queues' | 'webhooks', verb: string) => (party: Party) =>
    party.call('POST', `/v1/${of}/${of === 'queues' ? queue(party) : webhook(party)}/${verb}`, {});
  const lookUp = (path: string) => (party: Party) => party.call('GET', path);
  const sapTopic = (party: Party): string => encodeURIComponent(`sap/${party.canary}/${party.oneOf(KEYS)}`);
  const consumed = async (party: Party): Promise<void> => {
    const path = `${MESSAGING}/queues/${SAP_QUEUE}/messages/consumption`;
    const { headers } = await party.call('POST', path, undefined, { 'x-qos': party.oneOf(['0', '1']) });
    party.learn('message', [headers['x-message-id']]);
  };
  const subscription = ({ hook, canary }: Party, name: string): object => ({
    name,
    address: 'queue:sap/queue',
    pushConfig: {
      endpoint: `${hook}/sap?of=${canary}`,
      exemptHandshake: true,
      securitySchema: { type: 'apiKey', header: 'x-key', value: `${canary}-is-a-secret` },
    },
  });
  const events = ({ hook, canary }: Party, name: string): object => ({
    name,
    events: [{ type: SIGNED, source: '/shared' }],
    webhookUrl: `${hook}/sap?of=${canary}`,
    exemptHandshake: true,
  });
  const ofSubscription = (door: string, method: string, verb: string, body?: object) => (party: Party) =>
    party.call(method, `${door}/subscriptions/${party.oneOf(['mine', `s-${party.canary}`])}${verb}`, body);
  const client = (party: Party): string => party.oneOf(['reader', `c-${party.canary}`]);
  const stored = async (party: Party, made: { json: Record<string, unknown> }): Promise<void> => {
    const key = made.json['serviceKey'] as { clientSecret?: string } | undefined;
    const secret = made.json['clientSecret'] ?? key?.clientSecret;
    if (typeof secret === 'string') party.known.set('secret', [secret]);
    const secrets = (made.json['secrets'] ?? []) as { id: string }[];
    party.learn(
      'secret-id',
      secrets.map(({ id }) => id),
    );
  };
  const token = async (party: Party): Promise<string> => {
    const name = party.tenant === 'local' ? 'reader' : `${party.tenant}/reader`;
    const authorization = `Basic ${Buffer.from(`${name}:${party.some('secret')}`).toString('base64')}`;
    const { json } = await party.call('GET', '/oauth/token?grant_type=client_credentials', undefined, {
      authorization,
    });
    return (json['access_token'] as string | undefined) ?? 'unknown';
  };

  return [
    // What comes before what it is needed for: everything is done once in this order at first.
    [3, (party) => party.call('PUT', `/v1/queues/${queue(party)}`, queueOf(party))],
    [1, (party) => party.call('PUT', '/v1/queues/states', { types: [SIGNED], shape: 'state', start: 'earliest' })],
    [2, (party) => party.call('PUT', `/v1/webhooks/${webhook(party)}`, webhookOf(party))],
    [1, (party) => party.call('PUT', '/v1/webhooks/deliver', webhookOf(party))],
    [2, (party) => party.listen('start=earliest')],
    [2, (party) => party.connect('/v1/stream?start=earliest', 'cloudevents.json', 'stream')],
    [30, (party) => party.call('POST', '/v1/events', event(party), STRUCTURED)],
    [
      8,
      (party) =>
        party.call(
          'POST',
          '/v1/events',
          [event(party), event(party), {}, { ...event(party), type: party.canary }],
          BATCH,
        ),
    ],
    [
      8,
      (party) => {
        const { data, ...rest } = event(party);
        const headers = Object.entries(rest).map(([name, value]) => [`ce-${name}`, String(value)]);
        return party.call('POST', '/v1/events', data, Object.fromEntries(headers) as Record<string, string>);
      },
    ],
    [3, (party) => party.call('POST', '/v1/events', { ...event(party), data: { Contract: party.canary } }, STRUCTURED)],
    [3, (party) => party.call('POST', '/v1/events', `{"not json": "${party.canary}`, STRUCTURED)],
    [12, receive],
    [10, (party) => party.call('POST', `/v1/queues/${queue(party)}/settle`, { settlements: settlements(party) })],
    [
      4,
      async (party) => {
        const socket = await party.connect(`/v1/queues/${queue(party)}/connect`, 'heddle.v1', 'queue');
        const resume = { connection: any(party, 'connection'), leases: [any(party, 'lease')] };
        socket?.send(JSON.stringify({ kind: 'hello', id: party.canary, resume }));
        socket?.send(JSON.stringify({ kind: 'credit', add: 5 }));
      },
    ],
    [
      8,
      async (party) => {
        const socket = party.queues.at(-1)?.socket;
        if (socket?.readyState !== WebSocket.OPEN) return;
        const frame = party.oneOf([
          { kind: 'settle', id: party.canary, settlements: settlements(party) },
          { kind: 'credit', add: 3 },
          { kind: 'authenticate', token: any(party, 'token') },
          { kind: `what is ${party.canary}` },
        ]);
        socket.send(JSON.stringify(frame));
      },
    ],
    [4, (party) => party.listen(`types=${SIGNED}`, { 'last-event-id': any(party, 'resume') })],
    [3, (party) => party.listen(`types=heddle.*&resume=${encodeURIComponent(any(party, 'resume'))}`)],
    [2, (party) => party.listen(`types=${party.canary}&${party.canary}=1`)],
    [
      3,
      (party) =>
        party.connect(`/v1/stream?resume=${encodeURIComponent(any(party, 'resume'))}`, 'cloudevents.json', 'stream'),
    ],
    [3, lookUp('/v1/queues')],
    [3, (party) => party.call('GET', `/v1/queues/${queue(party)}`)],
    [2, change('queues', 'pause')],
    [3, change('queues', 'resume')],
    [1, change('queues', 'purge')],
    [3, lookUp('/v1/webhooks')],
    [3, (party) => party.call('GET', `/v1/webhooks/${webhook(party)}`)],
    [2, change('webhooks', 'pause')],
    [3, change('webhooks', 'resume')],
    [2, change('webhooks', 'secrets/rotate')],
    [
      2,
      (party) =>
        party.call(
          'POST',
          `/v1/webhooks/${webhook(party)}/test`,
          party.chance.next() < 0.5 ? {} : { id: `e${party.below(EVENTS)}` },
        ),
    ],
    [
      2,
      async (party) => {
        const window = party.oneOf([{ from: 'earliest', key: 'K1' }, { eventIds: ['e1', 'e2', 'e3'] }]);
        const { json } = await party.call('POST', `/v1/queues/${queue(party)}/replay`, {
          ...window,
          ratePerSecond: 20,
        });
        party.learn('replay', [json['id'] as string | undefined]);
      },
    ],
    [2, (party) => party.call('GET', `/v1/queues/${queue(party)}/replays`)],
    [3, (party) => party.call('GET', `/v1/queues/${queue(party)}/replays/${any(party, 'replay')}`)],
    [2, (party) => party.call('POST', `/v1/queues/${queue(party)}/replays/${any(party, 'replay')}/stop`, {})],
    [
      5,
      async (party) => {
        const { json } = await party.call('GET', `/v1/dead-letters${party.oneOf(['', '?queue=hook', '?key=K1'])}`);
        party.learn('letter', ((json['deadLetters'] ?? []) as Letter[]).map(({ id }) => id).slice(0, 10));
      },
    ],
    [6, (party) => party.call('GET', `/v1/dead-letters/${any(party, 'letter')}`)],
    [
      3,
      async (party) => {
        const ids = [any(party, 'letter'), foreign(party, 'letter')].filter((id) => id !== 'unknown');
        const which = party.chance.next() < 0.7 && ids.length > 0 ? { ids } : { filter: { key: 'K2' } };
        const { json } = await party.call('POST', '/v1/dead-letters/redrive', { ...which, ratePerSecond: 50 });
        party.learn('redrive', [json['id'] as string | undefined]);
      },
    ],
    [2, lookUp('/v1/dead-letters/redrives')],
    [3, (party) => party.call('GET', `/v1/dead-letters/redrives/${any(party, 'redrive')}`)],
    [2, (party) => party.call('POST', `/v1/dead-letters/redrives/${any(party, 'redrive')}/stop`, {})],
    [3, lookUp('/v1/attempts?limit=50')],
    [2, (party) => party.call('GET', `/v1/queues/${queue(party)}/monitor`)],
    [1, (party) => party.call('POST', `/v1/queues/${queue(party)}/test-events`, { types: [SIGNED] })],
    [1, (party) => party.call('PUT', '/v1/channels/leaving', channelOf(party))],
    [1, (party) => party.call('POST', '/v1/channels/leaving/test-events', {})],
    [1, (party) => party.call('PUT', '/v1/webhooks/left', { ...webhookOf(party), types: undefined, queue: 'leaving' })],
    [1, lookUp('/v1/channels')],
    [1, lookUp('/v1/channels/leaving')],
    [1, lookUp('/v1/channels/leaving/check')],
    [0.5, lookUp('/v1/channels/leaving/asyncapi')],
    [1, lookUp('/v1/channels/leaving/monitor')],
    [2, lookUp('/v1/channels/leaving/events')],
    [0.5, (party) => party.call('POST', '/v1/channels/leaving/deactivate', {})],
    [1, (party) => party.call('POST', '/v1/channels/leaving/activate', {})],
    [
      1,
      (party) =>
        party.call('POST', '/v1/channels/leaving/retry', {
          ...(party.chance.next() < 0.5 ? {} : { ids: [any(party, 'letter')] }),
        }),
    ],
    [6, (party) => party.call('GET', `/v1/events/e${party.below(EVENTS)}`)],
    [4, (party) => party.call('GET', `/v1/objects/contract/${party.oneOf(KEYS)}/events`)],
    [3, (party) => party.call('GET', `/v1/objects/sales-order/${party.oneOf(KEYS)}`)],
    [1, (party) => party.call('GET', `/v1/objects/contract/${party.oneOf(KEYS)}/document`)],
    [1, lookUp(ODATA)],
    [1, (party) => party.call('GET', `${ODATA}/`)],
    [0.3, (party) => party.call('OPTIONS', ODATA)],
    [0.3, (party) => party.call('OPTIONS', `${ODATA}/`)],
    ...['POST', 'PUT', 'PATCH', 'MERGE', 'DELETE'].map((method): [number, (party: Party) => Promise<unknown>] => [
      0.3,
      (party) => party.call(method, `${ODATA}/`, method === 'DELETE' ? undefined : { SalesOrder: party.canary }),
    ]),
    [1, (party) => party.call('PUT', `${HUB}/queues/${SAP_QUEUE}`, {})],
    [1, (party) => party.call('PUT', `${HUB}/queues/${SAP_QUEUE}/subscriptions/${encodeURIComponent('sap/+/*')}`)],
    [4, (party) => device(party, event(party), queue(party))],
    [2, (party) => party.call('POST', `${MESSAGING}/subscriptions`, subscription(party, 'mine'))],
    [1, (party) => party.call('POST', `${MESSAGING}/subscriptions`, subscription(party, `s-${party.canary}`))],
    [1, (party) => party.call('POST', `${SAP_EVENTS}/subscriptions`, events(party, 'theirs'))],
    [8, (party) => party.call('POST', `${MESSAGING}/topics/${sapTopic(party)}/messages`, party.canary, SAP_HEADERS)],
    [4, (party) => party.call('POST', `${MESSAGING}/queues/${SAP_QUEUE}/messages`, party.canary, SAP_HEADERS)],
    [4, (party) => party.call('POST', SAP_EVENTS, event(party), STRUCTURED)],
    [6, consumed],
    [
      4,
      (party) =>
        party.call('POST', `${MESSAGING}/queues/${SAP_QUEUE}/messages/${any(party, 'message')}/acknowledgement`),
    ],
    [2, lookUp(`${MESSAGING}/subscriptions`)],
    [2, ofSubscription(MESSAGING, 'GET', '')],
    [1, ofSubscription(MESSAGING, 'POST', '/handshake')],
    [1, ofSubscription(MESSAGING, 'PUT', '/state', { action: 'pause' })],
    [2, ofSubscription(MESSAGING, 'PUT', '/state', { action: 'resume' })],
    [2, lookUp(`${SAP_EVENTS}/subscriptions`)],
    [1, (party) => party.call('GET', `${SAP_EVENTS}/subscriptions/theirs`)],
    [
      1,
      (party) =>
        party.call('PATCH', `${SAP_EVENTS}/subscriptions/theirs`, {
          webhookAuth: { type: 'basic', user: party.canary, password: `${party.canary}-is-a-secret` },
        }),
    ],
    [1, (party) => party.call('POST', `${SAP_EVENTS}/subscriptions/theirs/handshake`)],
    [1, (party) => party.call('PUT', `${SAP_EVENTS}/subscriptions/theirs/state`, { action: 'resume' })],
    [1, lookUp(`${HUB}/queues`)],
    [1, lookUp(`${HUB}/queues/${SAP_QUEUE}`)],
    [1, lookUp(`${HUB}/queues/${SAP_QUEUE}/subscriptions`)],
    [1, lookUp(`${HUB}/queuesStatistics`)],
    [1, lookUp(`${HUB}/queues/${SAP_QUEUE}/statistics`)],
    [1, lookUp(`${HUB}/statistics`)],
    [1, lookUp(`${HUB}/resourceusage`)],
    [1, lookUp(`${HUB}/readinessCheck`)],
    [2, lookUp('/v1/operations?limit=100')],
    [2, lookUp('/v1/audit?limit=100')],
    [
      1,
      (party) =>
        party.call('POST', '/v1/filters/test', {
          filter: [{ prefix: { canary: party.oneOf(['canary-of', party.canary]) } }],
          last: 50,
        }),
    ],
    [
      0.3,
      async (party) =>
        stored(
          party,
          await party.call('PUT', '/v1/clients/reader', {
            permissions: ['consume:type:*', 'consume:queue:*'],
            description: party.canary,
          }),
        ),
    ],
    [
      0.3,
      (party) => party.call('PUT', `/v1/clients/c-${party.canary}`, { permissions: [`consume:queue:${party.canary}`] }),
    ],
    [0.3, async (party) => stored(party, await party.call('POST', '/v1/clients/reader/secrets', {}))],
    [0.3, async (party) => stored(party, await party.call('POST', '/v1/clients/reader/service-key', {}))],
    [0.5, async (party) => party.learn('token', [await token(party)])],
    [2, lookUp('/v1/clients')],
    [2, async (party) => stored(party, await party.call('GET', `/v1/clients/${client(party)}`))],
    // It answers with a header that names the client.
    [2, (party) => party.call('GET', `/v1/clients/c-${party.canary}/service-key`)],
    [
      2,
      async (party) => {
        const authorization = `Bearer ${party.some('token')}`;
        const { json } = await party.call('POST', '/v1/tickets', { path: '/v1/stream' }, { authorization });
        party.learn('ticket', [json['ticket'] as string | undefined]);
        await party.listen(`ticket=${party.some('ticket')}`, { origin: 'http://localhost:3000', authorization: '' });
      },
    ],
    [2, (party) => party.call('GET', '/v1/queues', undefined, { authorization: `Bearer ${party.some('token')}` })],
    [1, lookUp('/v1/tenants')],
    [0.3, (party) => party.call('PUT', `/v1/tenants/${party.tenant === 'local' ? 'x' : party.tenant}`, {})],
    [0.3, (party) => party.call('DELETE', `/v1/tenants/${party.tenant}`)],
    [1, lookUp('/v1/catalogue')],
    [1, lookUp(`/v1/catalogue/${SIGNED}`)],
    [1, lookUp(`/v1/catalogue/${SIGNED}/readers`)],
    [1, lookUp('/v1/schemas/1')],
    [1, (party) => party.call('GET', `/v1/${party.canary}`)],
    [1, (party) => party.call('GET', `/v1/queues/${party.canary}?limit=${party.canary}`)],
    [1, (party) => party.call('PUT', '/v1/queues/orders', { types: [party.canary], [party.canary]: 1 })],
    [0.3, (party) => party.call('DELETE', `/v1/clients/reader/secrets/${any(party, 'secret-id')}`)],
    [0.2, (party) => party.call('DELETE', `/v1/clients/${client(party)}`)],
    [0.3, ofSubscription(MESSAGING, 'DELETE', '')],
    [0.3, (party) => party.call('DELETE', `${SAP_EVENTS}/subscriptions/theirs`)],
    [0.3, (party) => party.call('DELETE', `${HUB}/queues/${SAP_QUEUE}/subscriptions/${encodeURIComponent('sap/+/*')}`)],
    [0.3, (party) => party.call('DELETE', `${HUB}/queues/${SAP_QUEUE}`)],
    [0.6, (party) => party.call('DELETE', `/v1/queues/${queue(party)}`)],
    [0.6, (party) => party.call('DELETE', `/v1/webhooks/${webhook(party)}`)],
    [0.3, (party) => party.call('DELETE', '/v1/webhooks/left')],
    [0.3, (party) => party.call('DELETE', '/v1/channels/leaving')],
  ];
}

function queueOf({ canary, chance }: Party): object {
  const filter = chance.next() < 0.5 ? [] : [{ not: { exact: { subject: canary } } }];
  return { types: [SIGNED], start: 'earliest', retry: RETRY, leaseMs: 5000, filter };
}

function channelOf({ canary }: Party): object {
  const filters = [{ data: 'SignedBy', exclude: [`not ${canary}`] }];
  return { bindings: [{ type: SIGNED, filters }], start: 'earliest', retry: RETRY };
}

function webhookOf(party: Party): object {
  const { canary, hook } = party;
  return {
    types: [party.oneOf([SIGNED, 'heddle.*', '*'])],
    url: `${hook}/hooks?of=${canary}`,
    retry: RETRY,
    headers: { 'x-canary': canary },
    auth: party.oneOf([{}, { apiKey: { header: 'x-key', value: `${canary}-is-a-secret` } }]),
    contentMode: party.oneOf(['binary', 'structured']),
  };
}
