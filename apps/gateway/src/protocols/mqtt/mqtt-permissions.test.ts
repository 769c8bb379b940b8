import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { MQTT_PERMISSIONS } from '../../permission-table-trial.js';
import { SOON, type TrialClient, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const NAMESPACE = 'default/heddle/s4';
const TOPIC = `${NAMESPACE}/ce/${TYPE.replaceAll('.', '/')}`;
const DRAFT = 'heddle.contract.v1.Contract.DraftCreated.v1';
const NO = REASONS.notAuthorized;
const NO_TOPIC = REASONS.topicNameInvalid;
const NO_FILTER = REASONS.topicFilterInvalid;

const { trial, clients } = await mqttTrial();
/** In JSON, as a contract that is signed is published. */
const body = (): string =>
  JSON.stringify({ ...(trial.catalogue.get(TYPE)!.example as object), Contract: `C-${randomUUID().slice(0, 8)}` });

beforeAll(async () => {
  const made = await trial.ask(callerFor(), 'PUT', '/v1/queues/q', { topicPatterns: [] });
  expect(made.status).toBe(201);
});

type Act = (client: TrialClient) => Promise<number | undefined>;
const publish =
  (topic: string, payload: () => string = () => 'bytes'): Act =>
  async (client) =>
    client.published(topic, payload(), { properties: { contentType: payload === body ? 'application/json' : 'x/y' } });
const subscribe =
  (filter: string): Act =>
  async (client) =>
    (await client.subscribe(filter, { rh: 2 }))[0];

/**
 * What is done on a connection: with a permission that is enough, those that are near and are not, and what somebody who may
 * do everything in another tenant gets.
 */
const ACTS: [operation: string, act: Act, enough: string, near: string[], refused: number, stranger: number][] = [
  [
    'MQTT PUBLISH {topic}',
    publish('orders/new/t'),
    'publish:topic:orders/new/*',
    ['publish:topic:orders/old/*', 'consume:topic:orders/new/*', 'publish:queue:*', 'publish:type:*'],
    NO,
    0,
  ],
  [
    'MQTT PUBLISH {topic}',
    publish(TOPIC, body),
    `publish:type:${TYPE}`,
    [`publish:type:${DRAFT}`, 'publish:topic:*', `consume:type:${TYPE}`],
    NO,
    0,
  ],
  [
    'MQTT PUBLISH queue:{queue}',
    publish('queue:q'),
    'publish:queue:q',
    ['publish:queue:r', 'consume:queue:q', 'manage:queue:q', 'publish:topic:*'],
    NO,
    NO_TOPIC,
  ],
  [
    'MQTT SUBSCRIBE {filter}',
    subscribe('orders/new/#'),
    'consume:topic:orders/*',
    ['consume:topic:orders/new/*', 'consume:topic:orders/old/*', 'publish:topic:*', 'consume:queue:*'],
    NO,
    1,
  ],
  [
    'MQTT SUBSCRIBE {filter}',
    subscribe(TOPIC),
    `consume:type:${TYPE}`,
    [`consume:type:${DRAFT}`, `publish:type:${TYPE}`],
    NO,
    1,
  ],
  [
    'MQTT SUBSCRIBE $share/{group}/{filter}',
    subscribe('$share/workers/orders/new/#'),
    'consume:topic:orders/*',
    ['consume:topic:orders/new/*', 'consume:topic:orders/old/*', 'consume:queue:*', 'manage:queue:*'],
    NO,
    1,
  ],
  [
    'MQTT SUBSCRIBE queue:{queue}',
    subscribe('queue:q'),
    'consume:queue:q',
    ['consume:queue:r', 'manage:queue:q', 'publish:queue:q', 'consume:topic:*'],
    NO,
    NO_FILTER,
  ],
];

describe('permissions over MQTT', () => {
  it.each(ACTS)('decide who may do %s', async (_operation, act, enough, near, refused, stranger) => {
    const outcome = async (tenant: string, permissions: string[]): Promise<number | undefined> => {
      const client = await clients.open(5, callerFor(tenant, permissions, `client-${randomUUID()}`));
      expect(await client.connect()).toMatchObject({ reasonCode: 0 });
      return act(client);
    };
    const granted = await outcome('local', [enough]);
    expect(granted).toBeLessThan(REASONS.unspecified);
    for (const permission of [...near, 'publish:type:nothing.at.all']) {
      expect([permission, await outcome('local', [permission])]).toEqual([permission, refused]);
    }
    expect(await outcome('acme', ['*'])).toBe(stranger);
  });

  it('let every client of the mesh connect, and nobody else', async () => {
    const client = await clients.open(5, callerFor('local', []));
    expect(await client.connect()).toMatchObject({ reasonCode: 0 });
    const nobody = new WebSocket(`${trial.url.replace('http', 'ws')}/protocols/mqtt311ws`, 'mqtt');
    await new Promise((resolve) => nobody.addEventListener('error', resolve));
    // Over TCP, where CONNECT says who it is: mqtt-doors.test.ts.
    expect(nobody.readyState).not.toBe(nobody.OPEN);
  });

  it('hold for a will: what its client may not publish is not published', async () => {
    const watches = await clients.connected(5);
    await watches.subscribe('wills/#');
    const lost = async (topic: string): Promise<void> => {
      const caller = callerFor('local', ['publish:topic:wills/may/*'], 'mourned');
      const client = await clients.open(5, caller);
      await client.connect({ will: { topic, payload: Buffer.from(topic), qos: 1, retain: false } });
      client.cut();
    };
    await lost('wills/maynot/t');
    await lost('wills/may/t');
    await vi.waitFor(() => expect(watches.payloads).toContain('wills/may/t'), SOON);
    expect(watches.payloads).toEqual(['wills/may/t']);
  });

  it('are specified, and tried, for all that is done there', () => {
    const tried = new Set([...ACTS.map(([operation]) => operation), 'MQTT CONNECT', 'MQTT will']);
    expect(new Set(MQTT_PERMISSIONS.map(({ operation }) => operation))).toEqual(tried);
  });
});
