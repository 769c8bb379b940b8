import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '@heddle/infra';
import mqtt, { type IClientOptions, type MqttClient as ForeignClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { paho } from '../interop/programs.js';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { MqttClient } from '../support/mqtt-client.js';
import { freshKey } from '../support/orders.js';
import { contractEvent } from '../support/publishing.js';
import { deleteQueue, pullDeliveries, putQueue, readQueue } from '../support/queue-clients.js';

const run = promisify(execFile);
const WAIT = { timeout: 15_000 };
const CONTRACTS = 'default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';

let mesh: Mesh;
let gateway: string;
let port: number;
const open: ForeignClient[] = [];

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  mesh = await Mesh.start({
    ground: inject('stack'),
    apps: ['gateway'],
    env: { gateway: { HEDDLE_MQTT_PORT: String(port) } },
  });
  gateway = mesh.url('gateway');
});
afterEach(async () => {
  for (const client of open.splice(0)) await client.endAsync(true);
});
afterAll(() => mesh.stop());

const WAYS = [
  { way: 'WebSocket', version: 4 },
  { way: 'WebSocket', version: 5 },
  { way: 'TCP', version: 4 },
  { way: 'TCP', version: 5 },
] as const;

describe.each(WAYS)('mqtt.js over $way, version $version', ({ way, version }) => {
  async function connect(options: IClientOptions = {}): Promise<ForeignClient> {
    const token = await mesh.token();
    const shared = { protocolVersion: version, reconnectPeriod: 200, ...options };
    const client =
      way === 'TCP'
        ? await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...shared, username: 'token', password: token })
        : await mqtt.connectAsync(`${gateway.replace('http', 'ws')}/protocols/mqtt311ws`, {
            ...shared,
            wsOptions: { headers: await authorizationFor(gateway) },
          });
    open.push(client);
    return client;
  }

  test('publishes with every QoS, and receives it all in order', async () => {
    const topic = `test/${randomUUID()}`;
    const receiver = await connect();
    const received: string[] = [];
    receiver.on('message', (_topic, payload) => received.push(payload.toString()));
    await receiver.subscribeAsync(`${topic}/#`, { qos: 1 });
    const publisher = await connect();
    const sent = Array.from({ length: 60 }, (_, n) => `m${n}`);
    for (const [n, payload] of sent.entries()) {
      await publisher.publishAsync(`${topic}/t`, payload, { qos: (n % 3) as 0 | 1 | 2 });
    }
    await vi.waitFor(() => expect(received).toEqual(sent), WAIT);
  });

  test('gets the events of a type, and what came while it was away', async () => {
    const clientId = `client-${randomUUID()}`;
    const kept = { clientId, clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) };
    const first = await connect(kept);
    await first.subscribeAsync(CONTRACTS, { qos: 1, rh: 2 });
    await first.endAsync();
    const key = `C-${freshKey()}`;
    const answer = await call('POST', `${gateway}/v1/events`, {
      headers: { ...(await authorizationFor(gateway)), 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(contractEvent(key, { subject: key })),
    });
    expect(answer.status, answer.text).toBe(202);
    const received: string[] = [];
    const options = { ...kept, manualConnect: true };
    const second = await new Promise<ForeignClient>((resolve) => {
      void authorizationFor(gateway).then(async (headers) => {
        const client =
          way === 'TCP'
            ? mqtt.connect(`mqtt://127.0.0.1:${port}`, {
                ...options,
                protocolVersion: version,
                username: 'token',
                password: await mesh.token(),
              })
            : mqtt.connect(`${gateway.replace('http', 'ws')}/protocols/mqtt311ws`, {
                ...options,
                protocolVersion: version,
                wsOptions: { headers },
              });
        client.on('message', (_topic, payload) => received.push(payload.toString()));
        client.on('connect', ({ sessionPresent }) => {
          expect(sessionPresent).toBe(true);
          resolve(client);
        });
        open.push(client);
        client.connect();
      });
    });
    await vi.waitFor(() => expect(received.filter((text) => text.includes(key))).toHaveLength(1), WAIT);
    await second.endAsync();
  });
});

test.skipIf(paho.missing !== undefined).each([
  ['311', 'tcp'],
  ['311', 'websockets'],
  ['5', 'tcp'],
  ['5', 'websockets'],
])(
  `Eclipse Paho${leftOut(paho.missing)}, MQTT %s over %s, publishes, receives, and finds its session again`,
  async (version, transport) => {
    const topic = `test/${randomUUID()}`;
    const at = transport === 'tcp' ? String(port) : String(mesh.ports.gateway);
    const args = ['127.0.0.1', at, 'token', version, transport, topic, '9'];
    const env = { ...process.env, MQTT_PASSWORD: await mesh.token() };
    const [command = '', ...first] = await paho.build();
    const { stdout } = await run(command, [...first, ...args], { env });
    const told = (prefix: string, qos: (n: number) => number) =>
      Array.from({ length: 9 }, (_, n) => [`${topic}/t`, `${prefix}${n}`, qos(n)]);
    expect(JSON.parse(stdout)).toEqual({
      present: [false, true],
      live: told('m', () => 1),
      later: told('later', () => 1),
    });
  },
);

const [PUB, SUB] = ['mosquitto_pub', 'mosquitto_sub'];
const hasMosquitto = spawnSync(PUB, ['--help']).error === undefined;
const noMosquitto = hasMosquitto ? undefined : 'no mosquitto_pub (Debian: mosquitto-clients)';

test.runIf(hasMosquitto)(`mosquitto_pub and mosquitto_sub${leftOut(noMosquitto)} understand it`, async () => {
  const topic = `test/${randomUUID()}/t`;
  const shared = ['-h', '127.0.0.1', '-p', String(port), '-u', 'token', '-P', await mesh.token(), '-q', '1', '-V', '5'];
  const subscriber = run(SUB, [...shared, '-t', topic, '-C', '1', '-W', '20']);
  await vi.waitFor(async () => {
    await run(PUB, [...shared, '-t', topic, '-m', 'hello']);
    const done = await Promise.race([subscriber.then(() => true), delay(300).then(() => false)]);
    expect(done).toBe(true);
  }, WAIT);
  expect((await subscriber).stdout.trim()).toBe('hello');
});

test('kill -9 of the gateway: the session is there, and what was not acknowledged comes again as a repeat', async () => {
  const topic = `test/${randomUUID()}`;
  const clientId = `client-${randomUUID()}`;
  const received: { payload: string; dup: boolean }[] = [];
  let isKeeping = true;
  const connect = (): Promise<MqttClient> =>
    MqttClient.open(gateway, {
      filter: `${topic}/#`,
      clientId,
      keptSeconds: 300,
      onDelivery: (packet, from) => {
        received.push({ payload: packet.payload.toString(), dup: packet.dup });
        if (!isKeeping) from.acknowledge(packet);
      },
    });
  const before = await connect();
  expect(before.isSessionPresent).toBe(false);
  const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: 'token',
    password: await mesh.token(),
    reconnectPeriod: 200,
  });
  open.push(publisher);
  for (let n = 0; n < 5; n += 1) await publisher.publishAsync(`${topic}/t`, `m${n}`, { qos: 1 });
  await vi.waitFor(() => expect(received).toHaveLength(5), WAIT);
  await mesh.killApp('gateway');
  await before.closed;
  received.splice(0);
  isKeeping = false;
  await mesh.startApp('gateway');
  const after = await connect();
  expect(after.isSessionPresent).toBe(true);
  await vi.waitFor(() => expect(received.map(({ payload }) => payload)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']), WAIT);
  expect(received.every(({ dup }) => dup)).toBe(true);
  await publisher.publishAsync(`${topic}/t`, 'and now', { qos: 1 });
  await vi.waitFor(() => expect(received.at(-1)).toEqual({ payload: 'and now', dup: false }), WAIT);
  expect(received).toHaveLength(6);
  after.leave();
});

test.each([
  { version: 5, says: 'that say their ids' },
  { version: 5, says: 'that are bytes alone' },
  { version: 4, says: 'that are bytes alone' },
] as const)(
  'kill -9 of the gateway under messages of QoS 2 of version $version $says: each is published, and once',
  async ({ version, says }) => {
    const topic = `test/${randomUUID()}`;
    const queue = await putQueue(gateway, { types: [], topicPatterns: [`${topic}/*`], order: 'none' });
    const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: version,
      clientId: `client-${randomUUID()}`,
      clean: false,
      ...(version === 5 ? { properties: { sessionExpiryInterval: 300 } } : {}),
      username: 'token',
      password: await mesh.token(),
      reconnectPeriod: 200,
    });
    open.push(publisher);
    const ids: string[] = [];
    let published = 0;
    // Each says the next one when it knows of the one before: some are under way at any time.
    const lane = async (): Promise<void> => {
      for (let n = 0; n < 20; n += 1) {
        const id = randomUUID();
        ids.push(id);
        const userProperties = { specversion: '1.0', id, source: '/devices/7', type: 'test.v1.Measured.v1' };
        const said = says === 'that say their ids' ? { properties: { userProperties } } : {};
        await publisher.publishAsync(`${topic}/t`, id, { qos: 2, ...said });
        published += 1;
      }
    };
    const lanes = Promise.all(Array.from({ length: 20 }, lane));
    await vi.waitUntil(() => published >= 40, { ...WAIT, interval: 1 });
    await mesh.killApp('gateway');
    expect(published).toBeLessThan(ids.length);
    await mesh.startApp('gateway');
    await lanes;
    const received: string[] = [];
    while (received.length < ids.length) {
      const deliveries = await pullDeliveries(gateway, queue, { max: 500, waitMs: 5000 });
      expect(deliveries.length).toBeGreaterThan(0);
      received.push(...deliveries.map(({ event }) => (says === 'that say their ids' ? event.id : bytesOf(event))));
    }
    expect(received.toSorted()).toEqual(ids.toSorted());
    expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: ids.length });
    await deleteQueue(gateway, queue);
  },
);

/** What a message that no type knows was published with. */
function bytesOf(event: object): string {
  return Buffer.from((event as { data_base64: string }).data_base64, 'base64').toString();
}

/** Why a story is left out, for its title. */
function leftOut(missing: string | undefined): string {
  return missing === undefined ? '' : ` (left out: ${missing})`;
}
