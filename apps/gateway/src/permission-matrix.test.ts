import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Access, Caller } from '@heddle/auth';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from './gateway-trial.js';
import { callerFor } from './identity/identity-trial.js';
import { PERMISSIONS } from './permission-table-trial.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const PATIENT = { timeout: 10_000 };
const admin = callerFor();
const stranger = callerFor('acme', ['*'], 'stranger');
const other = callerFor('local', ['publish:type:nothing.at.all'], 'other');

let trial: GatewayTrial;
/** What is known only at the time. */
const found: Record<string, string> = {};
const receiver = createServer((request, response) => {
  request.resume();
  response.statusCode = 500;
  response.end();
});
let hook = '';
let example: object;
/** In binary mode. */
const CE = { 'ce-specversion': '1.0', 'ce-id': 'e2', 'ce-source': '/test', 'ce-type': TYPE };

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  // Nobody answers there.
  trial = await GatewayTrial.start({ OWNER_URLS: 'sales-order=http://127.0.0.1:1' });
  const retry = { attempts: 1, firstMs: 1, capMs: 1, factor: 1 };
  await made('PUT', '/v1/queues/q', { types: [TYPE] });
  await made('PUT', '/v1/webhooks/w', { types: [TYPE], url: hook, retry });
  const json = { ...(trial.catalogue.get(TYPE)!.example as object), Contract: 'K1' };
  const event = { attributes: { id: 'e1', source: '/test', type: TYPE }, data: { json } };
  expect(await trial.gateway.publisher.publish(admin, [event])).toMatchObject([{ duplicate: false }]);
  found['letter'] = await vi.waitFor(async () => {
    const [first] = (await trial.ask(admin, 'GET', '/v1/dead-letters')).json['deadLetters'] as { id: string }[];
    expect(first).toBeDefined();
    return first!.id;
  }, PATIENT);
  found['hook'] = hook;
  example = json;
  const slowly = { ratePerSecond: 0.1 };
  found['replay'] = (await made('POST', '/v1/queues/q/replay', { from: 'earliest', ...slowly }))['id'] as string;
  found['redrive'] = (await made('POST', '/v1/dead-letters/redrive', { filter: {}, ...slowly }))['id'] as string;
  const client = await made('PUT', '/v1/clients/made', { permissions: [] });
  found['secret'] = (client['secrets'] as { id: string }[])[0]!.id;
});

afterAll(async () => {
  await trial.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

async function made(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const { status, text, json } = await trial.ask(admin, method, path, body);
  expect([path, status < 300, text]).toEqual([path, true, expect.any(String)]);
  return json;
}

const LETTERS = { uuid: 'u', cycle: 'c', letters: [{ partition: 0, offset: 0, topic: 'contract', key: 'K' }] };
const LENT = { what: 'hand-back', leases: ['none'] };
const LEAVE = { what: 'leave', client: 'c', group: 'g', filter: 'a/b' };
const NO_LEASE = { lease: 'none', action: 'accept' };
const ODATA = '/sap/opu/odata/sap/API_SALES_ORDER_SRV';
const consume = `consume:type:${TYPE}`;
const HUB = '/hub/rest/api/v1/management/messaging';
const TOPIC = encodeURIComponent(`default/heddle/s4/ce/${TYPE.replaceAll('.', '/')}`);
const PUSH = { type: 'webhook', endpoint: ':hook', exemptHandshake: true };
const SUBSCRIPTION = { name: 'sub', address: 'queue:a/b', qos: 1, pushConfig: PUSH };
const EVENT_SUBSCRIPTION = { name: 'sub', events: [{ type: TYPE }], webhookUrl: ':hook', exemptHandshake: true };
const BASIC = { type: 'basic', user: 'u', password: 'p' };
/** What these doors ask for. */
const SAP = { 'x-qos': '1' };
type Expected = [granted: number, lacking: number, stranger: number, otherName?: number];
/**
 * Each operation with a permission that is enough for it, what whoever has that gets, and what somebody else of the
 * tenant and somebody of another one get; last, whoever has the permission for another name,
 * where that differs. In the order in which they can be done one after another.
 */
const OPERATIONS: [method: string, path: string, body: unknown, enough: string[], expected: Expected][] = [
  ['GET', '/v1/queues/q', undefined, ['consume:queue:q'], [200, 403, 404]],
  ['GET', '/v1/queues/q', undefined, ['manage:queue:*'], [200, 403, 404]],
  ['PUT', '/v1/queues/q', { types: [TYPE] }, ['manage:queue:q', consume], [200, 403, 201]],
  ['PUT', '/v1/queues/new', { types: [TYPE] }, ['manage:queue:new', 'consume:type:heddle.*'], [201, 403, 201]],
  ['POST', '/v1/queues/new/pause', {}, ['manage:queue:new'], [200, 403, 200]],
  ['POST', '/v1/queues/new/resume', {}, ['manage:queue:+'], [200, 403, 200]],
  ['POST', '/v1/queues/new/purge', {}, ['manage:queue:n*'], [200, 403, 200]],
  ['POST', '/v1/queues/w/pause', {}, ['manage:queue:w'], [200, 403, 404]],
  ['POST', '/v1/queues/w/resume', {}, ['manage:queue:w'], [200, 403, 404]],
  ['DELETE', '/v1/queues/new', undefined, ['manage:queue:new'], [204, 403, 204]],
  ['POST', '/v1/queues/w/replay', { from: 'earliest', dryRun: true }, ['replay:queue:w'], [200, 403, 404]],
  ['POST', '/v1/queues/q/test-events', { types: [TYPE] }, ['publish:queue:q'], [202, 403, 202]],
  ['GET', '/v1/queues/q/monitor', undefined, ['consume:queue:q'], [200, 403, 200]],
  ['PUT', '/v1/channels/c', { bindings: [{ type: TYPE }] }, ['manage:queue:c', consume], [201, 403, 201]],
  ['GET', '/v1/channels/c', undefined, ['consume:queue:c'], [200, 403, 200]],
  ['GET', '/v1/channels/c/check', undefined, ['replay:queue:c'], [200, 403, 200]],
  ['GET', '/v1/channels/c/asyncapi', undefined, ['consume:queue:c'], [200, 403, 200]],
  ['POST', '/v1/channels/c/deactivate', {}, ['manage:queue:c'], [200, 403, 200]],
  ['POST', '/v1/channels/c/activate', {}, ['manage:queue:*'], [200, 403, 200]],
  ['POST', '/v1/channels/c/test-events', {}, ['publish:queue:c'], [202, 403, 202]],
  ['GET', '/v1/channels/c/monitor', undefined, ['consume:queue:c'], [200, 403, 200]],
  ['GET', '/v1/channels/c/events', undefined, ['manage:queue:c'], [200, 403, 200]],
  ['POST', '/v1/channels/c/retry', { dryRun: true }, ['replay:queue:c'], [200, 403, 200]],
  ['GET', '/v1/channels', undefined, [], [200, 200, 200]],
  ['DELETE', '/v1/channels/c', undefined, ['manage:queue:c'], [204, 403, 204]],
  ['GET', '/v1/queues/q/replays', undefined, ['replay:queue:q'], [200, 403, 200]],
  ['GET', '/v1/queues/q/replays/:replay', undefined, ['consume:queue:q'], [200, 403, 404]],
  ['POST', '/v1/queues/q/replays/:replay/stop', {}, ['replay:queue:q'], [200, 403, 404]],
  ['GET', '/v1/webhooks/w', undefined, ['consume:queue:w'], [200, 403, 404]],
  ['PUT', '/v1/webhooks/x', { types: [TYPE], url: ':hook' }, ['manage:queue:x', consume], [201, 403, 201]],
  ['PUT', '/v1/webhooks/y', { queue: 'q', url: ':hook' }, ['manage:queue:y', 'consume:queue:q'], [201, 403, 201]],
  ['POST', '/v1/webhooks/w/pause', {}, ['manage:queue:w'], [200, 403, 404]],
  ['POST', '/v1/webhooks/w/resume', {}, ['manage:queue:w'], [200, 403, 404]],
  ['POST', '/v1/webhooks/w/secrets/rotate', {}, ['manage:queue:w'], [200, 403, 404]],
  ['POST', '/v1/webhooks/w/test', {}, ['manage:queue:w'], [200, 403, 404]],
  ['POST', '/v1/webhooks/w/test', { id: 'e1' }, ['manage:queue:w', consume], [200, 403, 404]],
  ['DELETE', '/v1/webhooks/x', undefined, ['manage:queue:x'], [204, 403, 204]],
  ['GET', '/v1/dead-letters/:letter', undefined, ['replay:queue:w'], [200, 403, 404]],
  ['POST', '/v1/dead-letters/redrive', { ids: [':letter'], dryRun: true }, ['replay:queue:w'], [200, 403, 200, 200]],
  ['GET', '/v1/events/e1', undefined, [consume], [200, 404, 404]],
  ['GET', '/v1/events/e1', undefined, ['consume:queue:w'], [200, 404, 404]],
  ['POST', '/v1/filters/test', { filter: [], types: [TYPE] }, [consume], [200, 403, 200]],
  ['GET', '/v1/objects/sales-order/1', undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  ['GET', '/v1/objects/sales-order/1/document', undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  ['GET', ODATA, undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  ['GET', `${ODATA}/`, undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  ['OPTIONS', ODATA, undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  ['OPTIONS', `${ODATA}/`, undefined, ['fetch:type:sap.s4.beh.salesorder.*'], [503, 403, 404]],
  // Without the token that a read was given.
  ['POST', `${ODATA}/`, {}, ['fetch:type:sap.*', 'publish:type:sap.*'], [403, 403, 404]],
  ['PUT', `${ODATA}/`, {}, ['fetch:type:sap.*', 'publish:type:sap.*'], [403, 403, 404]],
  ['PATCH', `${ODATA}/`, {}, ['fetch:type:sap.*', 'publish:type:sap.*'], [403, 403, 404]],
  ['MERGE', `${ODATA}/`, {}, ['fetch:type:sap.*', 'publish:type:sap.*'], [403, 403, 404]],
  ['DELETE', `${ODATA}/`, undefined, ['fetch:type:sap.*', 'publish:type:sap.*'], [403, 403, 404]],
  ['GET', '/v1/audit', undefined, ['manage:client:*'], [200, 403, 200]],
  ['POST', '/v1/events', ':event', [`publish:type:${TYPE}`], [202, 403, 202]],
  ['POST', '/v1/queues/q/receive', { max: 1 }, ['consume:queue:q'], [200, 403, 200]],
  ['POST', '/v1/queues/q/settle', { settlements: [NO_LEASE] }, ['consume:queue:q'], [200, 403, 200]],
  ['GET', '/v1/queues/q/connect', undefined, ['consume:queue:q'], [426, 403, 426]],
  ['GET', '/v1/queues', undefined, [], [200, 200, 200]],
  ['GET', '/v1/webhooks', undefined, [], [200, 200, 200]],
  ['GET', '/v1/attempts', undefined, [], [200, 200, 200]],
  ['GET', '/v1/operations', undefined, [], [200, 200, 200]],
  ['GET', '/v1/objects/contract/K1/events', undefined, [consume], [200, 200, 200]],
  ['GET', '/v1/dead-letters', undefined, [], [200, 200, 200]],
  ['GET', '/v1/dead-letters/redrives', undefined, [], [200, 200, 200]],
  ['GET', '/v1/dead-letters/redrives/:redrive', undefined, ['replay:queue:w'], [200, 404, 404]],
  ['POST', '/v1/dead-letters/redrives/:redrive/stop', {}, ['replay:queue:w'], [200, 403, 404, 404]],
  ['GET', '/v1/catalogue', undefined, [], [200, 200, 200]],
  ['GET', `/v1/catalogue/${TYPE}`, undefined, [], [200, 200, 200]],
  ['GET', `/v1/catalogue/${TYPE}/readers`, undefined, [], [200, 200, 200]],
  ['GET', '/v1/schemas/1', undefined, [], [200, 200, 200]],
  ['POST', '/v1/tickets', { path: '/v1/stream' }, [], [201, 201, 201]],
  ['GET', '/v1/clients', undefined, ['manage:client:made'], [200, 403, 200, 200]],
  ['GET', '/v1/clients/made', undefined, ['manage:client:made'], [200, 403, 404]],
  ['GET', '/v1/clients/made/service-key', undefined, ['manage:client:made'], [200, 403, 404]],
  ['DELETE', '/v1/clients/made/secrets/:secret', undefined, ['manage:client:made'], [204, 403, 404]],
  ['POST', '/v1/clients/made/service-key', {}, ['manage:client:*'], [201, 403, 404]],
  ['POST', '/v1/clients/made/secrets', {}, ['manage:client:made'], [201, 403, 404]],
  ['PUT', '/v1/clients/made', { permissions: [consume] }, ['manage:client:made', consume], [200, 403, 201]],
  ['PUT', '/v1/clients/fresh', { permissions: [] }, ['manage:client:fresh'], [201, 403, 201]],
  ['DELETE', '/v1/clients/fresh', undefined, ['manage:client:fresh'], [204, 403, 204]],
  ['GET', '/v1/tenants', undefined, ['manage:tenant:other'], [200, 403, 403, 200]],
  ['PUT', '/v1/tenants/other', {}, ['manage:tenant:other'], [201, 403, 403]],
  ['DELETE', '/v1/tenants/other', undefined, ['manage:tenant:+'], [204, 403, 403]],
  ['POST', '/messagingrest/v1/topics/a%2Fb%2Fc%2Fd/messages', 'x', ['publish:topic:a/b/*'], [204, 403, 204]],
  ['POST', `/messagingrest/v1/topics/${TOPIC}/messages`, ':data', [`publish:type:${TYPE}`], [204, 403, 204]],
  ['PUT', `${HUB}/queues/a%2Fb`, {}, ['manage:queue:a/b'], [201, 403, 201]],
  ['GET', `${HUB}/queues/a%2Fb`, undefined, ['consume:queue:a/b'], [200, 403, 200]],
  ['GET', `${HUB}/queues`, undefined, [], [200, 200, 200]],
  ['PUT', `${HUB}/queues/a%2Fb/subscriptions/x%2F+`, {}, ['manage:queue:a/b', 'consume:topic:x/+'], [201, 403, 201]],
  ['GET', `${HUB}/queues/a%2Fb/subscriptions`, undefined, ['manage:queue:a/b'], [200, 403, 200]],
  ['DELETE', `${HUB}/queues/a%2Fb/subscriptions/x%2F+`, undefined, ['manage:queue:a/b'], [204, 403, 204]],
  ['GET', `${HUB}/queuesStatistics`, undefined, [], [200, 200, 200]],
  ['GET', `${HUB}/queues/a%2Fb/statistics`, undefined, ['consume:queue:a/+'], [200, 403, 200]],
  ['GET', `${HUB}/statistics`, undefined, [], [200, 200, 200]],
  ['GET', `${HUB}/resourceusage`, undefined, ['manage:queue:a/b'], [200, 403, 200, 200]],
  ['GET', `${HUB}/readinessCheck`, undefined, [], [200, 200, 200]],
  ['POST', '/messagingrest/v1/queues/a%2Fb/messages/consumption', undefined, ['consume:queue:a/b'], [204, 403, 204]],
  ['POST', '/messagingrest/v1/queues/a%2Fb/messages', 'x', ['publish:queue:a/b'], [204, 403, 204]],
  [
    'POST',
    '/messagingrest/v1/queues/a%2Fb/messages/none/acknowledgement',
    undefined,
    ['consume:queue:a/b'],
    [404, 403, 404],
  ],
  ['POST', '/messagingrest/v1/subscriptions', SUBSCRIPTION, ['consume:queue:a/b'], [201, 403, 201]],
  ['GET', '/messagingrest/v1/subscriptions', undefined, [], [200, 200, 200]],
  ['GET', '/messagingrest/v1/subscriptions/sub', undefined, ['manage:queue:sub'], [200, 404, 200]],
  ['POST', '/messagingrest/v1/subscriptions/sub/handshake', undefined, ['manage:queue:sub'], [202, 404, 202]],
  ['PUT', '/messagingrest/v1/subscriptions/sub/state', { action: 'pause' }, ['manage:queue:sub'], [204, 404, 204]],
  ['DELETE', '/messagingrest/v1/subscriptions/sub', undefined, ['manage:queue:sub'], [204, 404, 204]],
  ['DELETE', `${HUB}/queues/a%2Fb`, undefined, ['manage:queue:a/b'], [204, 403, 204]],
  ['POST', '/sap/ems/v1/events', ':event', [`publish:type:${TYPE}`], [204, 403, 204]],
  ['POST', '/sap/ems/v1/events/subscriptions', EVENT_SUBSCRIPTION, [consume], [201, 403, 201]],
  ['GET', '/sap/ems/v1/events/subscriptions', undefined, [], [200, 200, 200]],
  ['GET', '/sap/ems/v1/events/subscriptions/sub', undefined, ['manage:queue:sub'], [200, 404, 200]],
  ['PATCH', '/sap/ems/v1/events/subscriptions/sub', { webhookAuth: BASIC }, [consume], [200, 404, 200]],
  ['POST', '/sap/ems/v1/events/subscriptions/sub/handshake', undefined, ['manage:queue:sub'], [202, 404, 202]],
  ['PUT', '/sap/ems/v1/events/subscriptions/sub/state', { action: 'pause' }, ['manage:queue:sub'], [204, 404, 204]],
  ['DELETE', '/sap/ems/v1/events/subscriptions/sub', undefined, ['manage:queue:sub'], [204, 404, 204]],
  ['POST', '/v1/tenants/local/queues/q/letters', LETTERS, ['*'], [403, 403, 403]],
  ['POST', '/v1/tenants/local/queues/q/leases', LENT, ['*'], [403, 403, 403]],
  ['POST', '/v1/tenants/local/queues/q/group', LEAVE, ['*'], [403, 403, 403]],
];

/** Operations that are for everybody, with what they answer to any, and to none. */
const OPEN: [method: string, path: string, status: number][] = [
  ['GET', '/healthz', 200],
  ['GET', '/healthz/live', 200],
  ['GET', '/healthz/ready', 200],
  ['GET', '/metrics', 200],
  ['GET', '/openapi.json', 200],
  ['GET', '/asyncapi.json', 200],
  ['GET', '/.well-known/jwks.json', 200],
  ['GET', '/.well-known/oauth-authorization-server', 200],
  ['GET', '/.well-known/openid-configuration', 200],
  ['GET', '/oauth/token', 400],
  ['POST', '/oauth/token', 400],
  ['GET', '/v1/webhooks/handshake/nobodys', 404],
  ['POST', '/v1/webhooks/handshake/nobodys', 404],
];

/** Has no end: permission-doors.test.ts. */
const ELSEWHERE = ['GET /v1/stream'];

function filled<T>(value: T): T {
  if (value === ':event' || value === ':data') return example as T;
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return value;
  return JSON.parse(
    text.replaceAll(/:(letter|replay|redrive|hook|secret)\b/g, (_all, name: string) => found[name]!),
  ) as T;
}

/** The same rights to other things. */
const turnedAway = (permissions: readonly string[]): string[] =>
  permissions.filter((text) => text !== '*').map((text) => text.replace(/[^:]*$/, 'else.where'));

/** How the specification begins for a route with this statement. */
function statedAs(access: Access): string {
  if (access === 'public') return ': everybody';
  if (access === 'client') return ': any client';
  if (access === 'instance') return ': other instances';
  const { verb, kind, param } = access;
  return `${verb}:${kind}:${param === undefined ? '…' : `{${param}}`}`;
}

describe('permissions', () => {
  it.each(OPERATIONS)(
    'decide who may %s %s %j: %j may, and it is answered %j',
    async (method, path, body, enough, expected) => {
      const who: [Caller | undefined, number][] = [
        [undefined, 401],
        [other, expected[1]],
        [callerFor('local', turnedAway(enough), 'other'), expected[3] ?? expected[1]],
        [callerFor('local', enough), expected[0]],
      ];
      const headers = path.endsWith('/v1/events')
        ? { ...CE, ...(path.startsWith('/sap') ? { 'ce-id': randomUUID() } : {}) }
        : path.startsWith('/messaging')
          ? SAP
          : {};
      for (const [caller, status] of who) {
        const answer = await trial.ask(caller, method, filled(path), filled(body), headers);
        expect([caller?.client, answer.status, answer.text]).toEqual([caller?.client, status, expect.any(String)]);
        const code = answer.json['code'] ?? /<code>(.*?)<\/code>/.exec(answer.text)?.[1];
        if (status === 403) expect(code).toBe('permission-missing');
      }
      // One permission less is not enough, where there are two.
      for (const missing of enough.length > 1 ? enough : []) {
        const less = callerFor(
          'local',
          enough.filter((one) => one !== missing),
        );
        expect((await trial.ask(less, method, filled(path), filled(body))).status, `without ${missing}`).toBe(403);
      }
      if (path.startsWith('/v1/webhooks/y')) await trial.ask(stranger, 'PUT', '/v1/queues/q', { types: [TYPE] });
      const answer = await trial.ask(stranger, method, filled(path), filled(body), headers);
      expect([answer.status, answer.text]).toEqual([expected[2], expect.any(String)]);
      // Of what it published itself it may see all.
      expect(answer.text).not.toContain('"id":"e1","source"');
    },
  );

  it.each(OPEN)('leave %s %s to everybody', async (method, path, status) => {
    for (const caller of [undefined, other, stranger]) {
      expect((await trial.ask(caller, method, path)).status).toBe(status);
    }
  });

  it('are specified, and tried, for every route that there is, and for no other', () => {
    const routes = trial.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:([a-z]+)/gi, '{$1}')}`);
    expect(PERMISSIONS.map(({ operation }) => operation).toSorted()).toEqual(routes.toSorted());
    const tried = [...OPERATIONS, ...OPEN].map(([method, path]) => `${method} ${path}`);
    const untried = trial.routes.filter(({ method, path }) => {
      const form = new RegExp(`^${method} ${path.replaceAll('.', '[.]').replaceAll(/:[a-z]+/gi, '[^/]+')}$`);
      return ![...tried, ...ELSEWHERE].some((one) => form.test(one));
    });
    expect(untried).toEqual([]);
  });

  it('are specified as the routes state them', () => {
    for (const { method, path, access } of trial.routes) {
      const operation = `${method} ${path.replaceAll(/:([a-z]+)/gi, '{$1}')}`;
      const { needs } = PERMISSIONS.find((row) => row.operation === operation)!;
      expect(`${operation}: ${needs}`).toContain(statedAs(access));
    }
  });

  it('decide what lists show: what a client may know of, and nothing else', async () => {
    const none = { queues: [], webhooks: [], attempts: [], deadLetters: [], operations: [], redrives: [] };
    for (const [name, path] of [
      ['queues', '/v1/queues'],
      ['webhooks', '/v1/webhooks'],
      ['attempts', '/v1/attempts'],
      ['deadLetters', '/v1/dead-letters'],
      ['operations', '/v1/operations'],
      ['redrives', '/v1/dead-letters/redrives'],
    ] as const) {
      const nothing = await trial.ask(other, 'GET', path);
      expect([path, nothing.status, nothing.json[name]]).toEqual([path, 200, none[name]]);
    }
    const reader = callerFor('local', ['consume:queue:w'], 'reader');
    const names = async (path: string, list: string): Promise<unknown[]> =>
      ((await trial.ask(reader, 'GET', path)).json[list] as { name?: string; queue?: string }[]).map(
        ({ name, queue }) => name ?? queue,
      );
    expect(await names('/v1/queues', 'queues')).toEqual(['w']);
    expect(await names('/v1/webhooks', 'webhooks')).toEqual(['w']);
    expect(new Set(await names('/v1/attempts', 'attempts'))).toEqual(new Set(['w']));
    expect(new Set(await names('/v1/dead-letters', 'deadLetters'))).toEqual(new Set(['w']));
  });

  it('let nobody make a queue, or a webhook, of types it may not consume', async () => {
    const maker = callerFor('local', ['manage:queue:*', consume], 'maker');
    for (const path of ['/v1/queues/wide', '/v1/webhooks/wide']) {
      for (const types of [['*'], ['heddle.*'], [TYPE, 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1']]) {
        const refused = await trial.ask(maker, 'PUT', path, { types, ...(path.includes('web') ? { url: hook } : {}) });
        expect([refused.status, refused.json['code']]).toEqual([403, 'permission-missing']);
      }
    }
  });

  it('leave nothing out of the audit: every act and every refusal is there, with who, where from and how it ended', async () => {
    const entriesOf = async (query: string): Promise<Record<string, unknown>[]> =>
      (await trial.ask(admin, 'GET', `/v1/audit?limit=500&${query}`)).json['entries'] as Record<string, unknown>[];
    await vi.waitFor(async () => {
      for (const action of [
        ...['queue.put', 'queue.pause', 'queue.resume', 'queue.purge', 'queue.delete', 'queue.replay-stop'],
        ...[
          'webhook.put',
          'webhook.pause',
          'webhook.resume',
          'webhook.rotate-secret',
          'webhook.test',
          'webhook.delete',
        ],
        ...['queue.replay', 'dead-letter.view', 'dead-letters.redrive', 'filter.test'],
      ]) {
        const entries = await entriesOf(`action=${action}`);
        const refused = entries.filter(({ who, result }) => who === 'other' && result === 'refused');
        expect([action, refused.length > 0]).toEqual([action, true]);
        expect([action, entries.some(({ who, result }) => who === 'tester' && result === 'done')]).toEqual([
          action,
          true,
        ]);
        for (const entry of entries) expect(entry).toMatchObject({ tenant: 'local', from: '127.0.0.1' });
      }
      const [view] = await entriesOf('action=event.view&who=tester');
      expect(view).toMatchObject({ target: 'event/e1', result: 'done' });
      const [denied] = await entriesOf('action=queue.purge&who=other');
      expect(denied).toMatchObject({ target: 'queue/new', result: 'refused', detail: { status: 403 } });
      expect(await entriesOf('who=stranger')).toEqual([]);
      // Those that changed nothing, and those of whom nobody knows who it was.
      const [read] = await entriesOf(`who=other&target=${encodeURIComponent('GET /v1/audit')}`);
      expect(read).toMatchObject({ action: 'access.refused', result: 'refused', detail: { status: 403 } });
      const unknown = (await entriesOf('action=access.refused')).filter(({ who }) => who === '');
      expect(unknown[0]).toMatchObject({ from: '127.0.0.1', result: 'refused', detail: { status: 401 } });
    }, PATIENT);
    expect(JSON.stringify(await entriesOf(''))).not.toContain('whsec');
  });
});
