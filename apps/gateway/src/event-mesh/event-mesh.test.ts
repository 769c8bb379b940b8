import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial, type TrialAnswer } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';
import { EVENTS, MANAGEMENT, MESSAGING } from './sap-path.js';

const SOON = { timeout: 10_000 };
const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const shop = callerFor(
  'local',
  ['consume:queue:q/*', 'publish:queue:q/*', `consume:type:${TYPE}`, 'consume:topic:*'],
  'shop',
);
const other = callerFor('local', ['consume:queue:q/*'], 'other');
const admin = callerFor();

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start({ HEDDLE_LIMIT_TENANT_QUEUES: '4' });
  expect((await ask(admin, 'PUT', `${MANAGEMENT}/queues/q%2Fone`, {})).status).toBe(201);
});

afterAll(() => trial.stop());

function ask(caller: Caller, method: string, path: string, body?: unknown, headers = {}): Promise<TrialAnswer> {
  return trial.ask(caller, method, path, body, headers);
}

const push = (name: string): object => ({
  name,
  address: 'queue:q/one',
  qos: 1,
  pushConfig: { type: 'webhook', endpoint: 'http://127.0.0.1:9999/', exemptHandshake: true },
});

describe('a subscription', () => {
  it('belongs to the client that made it: others neither see it, nor change it, nor take its name', async () => {
    const path = `${MESSAGING}/subscriptions`;
    expect((await ask(shop, 'POST', path, push('mine'))).status).toBe(201);
    expect((await ask(shop, 'GET', path)).json).toMatchObject([{ name: 'mine', address: 'queue:q/one' }]);
    expect((await ask(other, 'GET', path)).json).toEqual([]);
    for (const [method, below, body] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['PUT', '/state', { action: 'pause' }],
      ['POST', '/handshake', undefined],
    ] as const) {
      expect((await ask(other, method, `${path}/mine${below}`, body)).status).toBe(404);
    }
    const taken = await ask(other, 'POST', path, push('mine'));
    expect([taken.status, taken.json]).toMatchObject([409, { error: { code: 'CONFLICT' } }]);
    // The other door has it not.
    expect((await ask(shop, 'GET', `${EVENTS}/events/subscriptions/mine`)).status).toBe(404);
    expect((await ask(shop, 'DELETE', `${path}/mine`)).status).toBe(204);
  });

  it('may have a name as queues have, and is one of our webhooks under it', async () => {
    const name = 'q/Hooks/one.two_three';
    expect((await ask(shop, 'POST', `${MESSAGING}/subscriptions`, push(name))).status).toBe(201);
    const { json } = await ask(admin, 'GET', `/v1/webhooks/${encodeURIComponent(name)}`);
    expect(json).toMatchObject({ name, contentMode: 'raw', subscription: { client: 'shop', door: 'messaging' } });
    expect((await ask(shop, 'DELETE', `${MESSAGING}/subscriptions/${name}`)).status).toBe(204);
  });

  it('of types that the client may not consume, or of a queue it may not, is refused', async () => {
    const events = { name: 'e', events: [{ type: 'sap.*' }], webhookUrl: 'http://127.0.0.1:9999/' };
    expect((await ask(shop, 'POST', `${EVENTS}/events/subscriptions`, events)).status).toBe(403);
    const queue = { ...push('e'), address: 'queue:r/one' };
    expect((await ask(shop, 'POST', `${MESSAGING}/subscriptions`, queue)).status).toBe(403);
    const none = await ask(shop, 'POST', `${MESSAGING}/subscriptions`, { ...push('e'), address: 'queue:q/none' });
    expect([none.status, none.json]).toMatchObject([404, { message: expect.stringContaining('q/none') as string }]);
  });

  it('at the events door is refused as a full spool where the tenant may have no more', async () => {
    const body = (name: string): object => ({
      name,
      events: [{ type: TYPE }],
      webhookUrl: 'http://127.0.0.1:9999/',
      exemptHandshake: true,
    });
    const made: string[] = [];
    const answers = async (): Promise<TrialAnswer> => {
      const name = `e${made.length}`;
      made.push(name);
      return ask(shop, 'POST', `${EVENTS}/events/subscriptions`, body(name));
    };
    let last = await answers();
    while (last.status === 201) last = await answers();
    expect([last.status, last.json]).toMatchObject([422, { error: { code: 'SPOOL_LIMIT_EXCEEDED' } }]);
    expect(made.length).toBeGreaterThan(1);
    for (const name of made.slice(0, -1)) {
      expect((await ask(shop, 'DELETE', `${EVENTS}/events/subscriptions/${name}`)).status).toBe(204);
    }
  });
});

describe('a client that is deleted', () => {
  const CLIENT = '/v1/clients/leaving';

  it('takes its subscriptions with it, with the queues they brought, and leaves those of others and the queues it read', async () => {
    const permissions = [...shop.permissions.texts];
    expect((await ask(admin, 'PUT', CLIENT, { permissions })).status).toBe(201);
    const leaving = { ...shop, client: 'leaving' };
    const path = `${MESSAGING}/subscriptions`;
    const events = { name: 'left-events', events: [{ type: TYPE }], webhookUrl: 'http://127.0.0.1:9999/' };
    expect((await ask(leaving, 'POST', path, push('left'))).status).toBe(201);
    expect((await ask(leaving, 'POST', `${EVENTS}/events/subscriptions`, events)).status).toBe(201);
    expect((await ask(shop, 'POST', path, push('stays'))).status).toBe(201);
    expect((await ask(admin, 'DELETE', CLIENT)).status).toBe(204);
    expect((await ask(admin, 'GET', CLIENT)).status).toBe(404);
    for (const gone of ['webhooks/left', 'webhooks/left-events', 'queues/left-events']) {
      expect((await ask(admin, 'GET', `/v1/${gone}`)).status, gone).toBe(404);
    }
    for (const stays of ['webhooks/stays', 'queues/q%2Fone']) {
      expect((await ask(admin, 'GET', `/v1/${stays}`)).status, stays).toBe(200);
    }
    expect((await ask(shop, 'DELETE', `${path}/stays`)).status).toBe(204);
  });

  it('is shut out, and deleted when that is asked again, where a subscription could not be ended', async () => {
    expect((await ask(admin, 'PUT', CLIENT, { permissions: [...shop.permissions.texts] })).status).toBe(201);
    expect((await ask({ ...shop, client: 'leaving' }, 'POST', `${MESSAGING}/subscriptions`, push('left'))).status).toBe(
      201,
    );
    const moving = new HeddleError('queue-elsewhere', 'The queue is moving.', { retryAfterSeconds: 1 });
    vi.spyOn(trial.gateway.webhooks, 'delete').mockRejectedValueOnce(moving);
    expect((await ask(admin, 'DELETE', CLIENT)).status).toBe(503);
    expect((await ask(admin, 'GET', CLIENT)).json).toMatchObject({ disabled: true });
    expect((await ask(admin, 'DELETE', CLIENT)).status).toBe(204);
    expect((await ask(admin, 'GET', '/v1/webhooks/left')).status).toBe(404);
  });
});

describe('a queue that is managed in the words of SAP Event Mesh', () => {
  it('keeps what is not named, and what only ours has', async () => {
    const path = `${MANAGEMENT}/queues/q%2Fone`;
    expect((await ask(admin, 'PUT', path, { maxTtl: 60 })).json).toMatchObject({ name: 'q/one', maxTtl: 60 });
    expect((await ask(admin, 'PUT', path, {})).json).toMatchObject({ maxTtl: 60 });
    expect((await ask(admin, 'PUT', path, { maxTtl: 0 })).json).toMatchObject({ maxTtl: 0 });
    const { json } = await ask(admin, 'GET', '/v1/queues/q%2Fone');
    expect(json).toMatchObject({ order: 'none', types: [], topicPatterns: [] });
  });

  it('is read, and may be put back as it was read', async () => {
    const path = `${MANAGEMENT}/queues/q%2Fone`;
    const { json } = await ask(admin, 'GET', path);
    const again = await ask(admin, 'PUT', path, json);
    expect([again.status, again.json]).toEqual([200, json]);
    expect((await ask(admin, 'PUT', path, { maxTTL: 1 })).json).toMatchObject({
      message: expect.stringContaining('maxTtl') as string,
    });
  });

  it.each(['a/*/b', 'a/b*', 'a//b', 'a/b c', 'a'.repeat(151)])('does not subscribe to %s', async (pattern) => {
    const path = `${MANAGEMENT}/queues/q%2Fone/subscriptions/${encodeURIComponent(pattern)}`;
    expect((await ask(admin, 'PUT', path)).status).toBe(400);
  });

  it('counts what is in it', async () => {
    const headers = { 'x-qos': '1', 'content-type': 'text/plain' };
    expect((await ask(shop, 'POST', `${MESSAGING}/queues/q%2Fone/messages`, 'text', headers)).status).toBe(204);
    await vi.waitFor(async () => {
      const { json } = await ask(admin, 'GET', `${MANAGEMENT}/queues/q%2Fone/statistics`);
      expect(json).toMatchObject({ name: 'q/one', messageCount: 1, unacknowledgedMessageCount: 0 });
    }, SOON);
    expect((await ask(admin, 'GET', `${MANAGEMENT}/statistics`)).json).toMatchObject({ messageCount: 1 });
    expect((await ask(admin, 'GET', `${MANAGEMENT}/queuesStatistics`)).json).toMatchObject([{ name: 'q/one' }]);
    const { json } = await ask(admin, 'GET', `${MANAGEMENT}/resourceusage`);
    expect(json).toMatchObject({ queues: { limit: 4 } });
  });

  it.each([
    ['queues', 'queuesStatistics'],
    ['queues/q%2Fone', 'queues/q%2Fone/statistics'],
    ['instance', 'statistics'],
    ['resources', 'resourceusage'],
  ])('is counted at statistics/%s as at %s', async (former, now) => {
    const { status, json } = await ask(admin, 'GET', `${MANAGEMENT}/statistics/${former}`);
    expect([status, json]).toEqual([200, (await ask(admin, 'GET', `${MANAGEMENT}/${now}`)).json]);
  });

  it('refuses what it has no room for, by name and by topic, and takes it again once something was settled', async () => {
    const queue = `${MANAGEMENT}/queues/q%2Fsmall`;
    const bounds = { maxQueueMessageCount: 2, maxMessageSizeInBytes: 100 };
    const made = await ask(admin, 'PUT', queue, bounds);
    expect([made.status, made.json]).toMatchObject([201, bounds]);
    expect((await ask(admin, 'PUT', `${queue}/subscriptions/small%2F*`)).status).toBe(201);
    const headers = { 'x-qos': '1', 'content-type': 'text/plain' };
    const toQueue = (body = 'text') => ask(admin, 'POST', `${MESSAGING}/queues/q%2Fsmall/messages`, body, headers);
    const toTopic = () => ask(admin, 'POST', `${MESSAGING}/topics/small%2Fone/messages`, 'text', headers);
    const holds = (messageCount: number) =>
      vi.waitFor(
        async () => expect((await ask(admin, 'GET', `${queue}/statistics`)).json).toMatchObject({ messageCount }),
        SOON,
      );
    expect((await toQueue('x'.repeat(200))).status).toBe(413);
    expect([(await toQueue()).status, (await toTopic()).status]).toEqual([204, 204]);
    await holds(2);
    for (const refused of [await toQueue(), await toTopic()]) {
      expect([refused.status, refused.json]).toMatchObject([
        507,
        { code: 'queue-full', error: { code: 'SPOOL_LIMIT_EXCEEDED' } },
      ]);
    }
    // What it does not want is no matter of its.
    const elsewhere = await ask(admin, 'POST', `${MESSAGING}/topics/large%2Fone/messages`, 'text', headers);
    expect(elsewhere.status).toBe(204);
    const consumption = `${MESSAGING}/queues/q%2Fsmall/messages/consumption`;
    expect((await ask(admin, 'POST', consumption, undefined, { 'x-qos': '0' })).status).toBe(200);
    await holds(1);
    expect((await toTopic()).status).toBe(204);
    expect((await ask(admin, 'PUT', queue, { maxQueueMessageCount: 0 })).json).toMatchObject({
      maxQueueMessageCount: 0,
    });
    expect((await toQueue()).status).toBe(204);
    expect((await ask(admin, 'DELETE', queue)).status).toBe(204);
  });

  it('is full for events in the words of their door', async () => {
    const queue = `${MANAGEMENT}/queues/q%2Fspool`;
    expect((await ask(admin, 'PUT', queue, { maxQueueMessageCount: 1 })).status).toBe(201);
    const pattern = encodeURIComponent('default/heddle/s4/ce/no/such/Type');
    expect((await ask(admin, 'PUT', `${queue}/subscriptions/${pattern}`)).status).toBe(201);
    const headers = { 'content-type': 'application/cloudevents+json', qos: 'AT_LEAST_ONCE' };
    const published = (id: string) =>
      ask(admin, 'POST', `${EVENTS}/events`, { specversion: '1.0', id, source: '/s', type: 'no.such.Type' }, headers);
    expect((await published('e1')).status).toBe(204);
    await vi.waitFor(
      async () => expect((await ask(admin, 'GET', `${queue}/statistics`)).json).toMatchObject({ messageCount: 1 }),
      SOON,
    );
    const refused = await published('e2');
    expect([refused.status, refused.json]).toMatchObject([422, { error: { code: 'SPOOL_LIMIT_EXCEEDED' } }]);
    expect((await ask(admin, 'DELETE', queue)).status).toBe(204);
    expect((await published('e2')).status).toBe(204);
  });

  it.each([
    { maxQueueMessageCount: 4001 },
    { maxQueueSizeInBytes: 1_610_612_736 },
    { maxMessageSizeInBytes: 10_000_000 },
  ])('takes a bound beyond what it counts as none, and says so: %j', async (bounds) => {
    const queue = `${MANAGEMENT}/queues/q%2Fone`;
    await ask(admin, 'PUT', queue, { maxQueueMessageCount: 5, maxQueueSizeInBytes: 500, maxMessageSizeInBytes: 50 });
    const { status, json } = await ask(admin, 'PUT', queue, bounds);
    const none = { maxQueueMessageCount: 0, maxQueueSizeInBytes: 0, maxMessageSizeInBytes: 1_000_000 };
    const [named] = Object.keys(bounds) as (keyof typeof none)[];
    expect([status, json]).toMatchObject([200, { [named!]: none[named!] }]);
    expect((await ask(admin, 'PUT', queue, { ...none })).status).toBe(200);
  });

  it('is not there under a name that is none, or that nobody made', async () => {
    expect((await ask(admin, 'GET', `${MANAGEMENT}/queues/a%20b`)).status).toBe(400);
    expect((await ask(admin, 'GET', `${MANAGEMENT}/queues/none`)).status).toBe(404);
    expect((await ask(admin, 'DELETE', `${MANAGEMENT}/queues/none`)).status).toBe(404);
    expect((await ask(admin, 'PUT', `${MANAGEMENT}/queues/none/subscriptions/a%2Fb`)).status).toBe(404);
  });
});

it('what a queue subscribes to is in the audit, with the pattern', async () => {
  const path = `${MANAGEMENT}/queues/q%2Fone/subscriptions/audited%2F+`;
  expect([(await ask(admin, 'PUT', path)).status, (await ask(admin, 'DELETE', path)).status]).toEqual([201, 204]);
  await vi.waitFor(async () => {
    for (const action of ['queue.subscribe', 'queue.unsubscribe']) {
      const { json } = await ask(admin, 'GET', `/v1/audit?action=${action}`);
      expect(json['entries']).toContainEqual(
        expect.objectContaining({ action, target: 'queue/q/one', detail: { pattern: 'audited/+' } }),
      );
    }
  }, SOON);
});

describe('a refusal', () => {
  it.each([
    ['GET', `${MESSAGING}/queues/q%2Fone/messages`, 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', `${MESSAGING}/subscriptions`, 405, 'METHOD_NOT_ALLOWED'],
    ['PATCH', `${EVENTS}/events`, 405, 'METHOD_NOT_ALLOWED'],
    ['POST', `${MANAGEMENT}/queues/q%2Fone`, 405, 'METHOD_NOT_ALLOWED'],
    ['GET', `${MESSAGING}/nothing`, 404, 'NOT_FOUND'],
    ['GET', `${EVENTS}/nothing`, 404, 'NOT_FOUND'],
    ['GET', '/sap-event-mesh/rest/api/v1/nothing', 404, 'NOT_FOUND'],
    ['POST', `${MESSAGING}/topics/a%ZZ/messages`, 400, 'BAD_REQUEST'],
  ])('has the form that these doors have where there is nothing, too: %s %s', async (method, path, status, code) => {
    const answer = await ask(admin, method, path);
    expect([answer.status, answer.json]).toMatchObject([
      status,
      { error: { code }, message: expect.any(String) as string },
    ]);
    // All others go on as they did.
    expect((await ask(admin, 'PATCH', '/v1/queues')).json).toMatchObject({ type: '/problems/method-unsupported' });
  });

  it('of a body that is missing is 400, as of one that cannot be read', async () => {
    expect((await ask(shop, 'POST', `${MESSAGING}/subscriptions`, push('bodies'))).status).toBe(201);
    for (const [method, path] of [
      ['POST', `${MESSAGING}/subscriptions`],
      ['PUT', `${MESSAGING}/subscriptions/bodies/state`],
      ['POST', `${EVENTS}/events/subscriptions`],
    ] as const) {
      const { status, json } = await ask(shop, method, path);
      expect([status, json]).toEqual([
        400,
        {
          message: 'The body is missing.',
          code: 'body-invalid',
          error: { code: 'BAD_REQUEST', message: 'The body is missing.' },
        },
      ]);
    }
    expect((await ask(shop, 'DELETE', `${MESSAGING}/subscriptions/bodies`)).status).toBe(204);
  });

  it('tells nothing of what others have: a subscription of theirs, another webhook and none are refused in the same words', async () => {
    expect((await ask(shop, 'POST', `${MESSAGING}/subscriptions`, push('theirs'))).status).toBe(201);
    const own = { types: [TYPE], url: 'http://127.0.0.1:9999/', handshake: 'exempt' };
    expect((await ask(admin, 'PUT', '/v1/webhooks/own', own)).status).toBe(201);
    for (const name of ['theirs', 'own', 'none']) {
      const { status, json } = await ask(other, 'GET', `${MESSAGING}/subscriptions/${name}`);
      expect([status, json['message']]).toEqual([404, `There is no subscription ${name}.`]);
    }
    expect((await ask(admin, 'DELETE', '/v1/webhooks/own')).status).toBe(204);
    expect((await ask(shop, 'DELETE', `${MESSAGING}/subscriptions/theirs`)).status).toBe(204);
  });

  it.each([
    ['no source', { id: '1', type: 'any.thing' }, 'source'],
    ['no version', { id: '1', type: 'any.thing', source: '/s', specversion: undefined }, 'specversion'],
    ['a time that is none', { id: '1', type: 'any.thing', source: '/s', time: 'now' }, 'time'],
  ])('meets an event with %s at the events door, whether its type is known or not', async (_, event, attribute) => {
    const headers = { 'content-type': 'application/cloudevents+json' };
    const { status, json } = await ask(admin, 'POST', `${EVENTS}/events`, { specversion: '1.0', ...event }, headers);
    expect([status, json]).toMatchObject([400, { error: { field: `attributes.${attribute}` } }]);
  });
});
