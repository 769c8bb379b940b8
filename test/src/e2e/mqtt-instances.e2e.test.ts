import { randomUUID } from 'node:crypto';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { MqttClient } from '../support/mqtt-client.js';

const WAIT = { timeout: 15_000 };

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});
afterAll(() => mesh.stop());

test('sessions and queues are reached through any instance, and taken over without a loss', async () => {
  const other = await mesh.anotherGateway();
  try {
    const gateways = [gateway, other.url('gateway')];
    const received = new Map<string, string[]>();
    // Many, so that each instance has some.
    const names = Array.from({ length: 8 }, (_, n) => `${n}-${randomUUID()}`);
    const clients: MqttClient[] = [];
    const subscribe = async (name: string, filter: string, at: number): Promise<void> => {
      const client = await MqttClient.open(gateways[at % 2]!, {
        filter,
        clientId: `client-${name}`,
        keptSeconds: 300,
        onDelivery: (packet, from) => {
          received.set(name, [...(received.get(name) ?? []), packet.payload.toString()]);
          from.acknowledge(packet);
        },
      });
      clients.push(client);
    };
    for (const [n, name] of names.entries()) {
      const url = `${gateways[n % 2]!}/v1/queues/queue-${name}`;
      await vi.waitFor(
        async () => expect((await call('PUT', url, { body: { topicPatterns: [], order: 'none' } })).status).toBe(201),
        WAIT,
      );
      await vi.waitFor(() => subscribe(name, `test/${name}/#`, n), WAIT);
      await vi.waitFor(() => subscribe(`q-${name}`, `queue:queue-${name}`, n), WAIT);
    }
    const publisher = await mqtt.connectAsync(`${gateway.replace('http', 'ws')}/protocols/mqtt311ws`, {
      wsOptions: { headers: await authorizationFor(gateway) },
    });
    for (const name of names) {
      await publisher.publishAsync(`test/${name}/t`, name, { qos: 1 });
      await publisher.publishAsync(`queue:queue-${name}`, name, { qos: 1 });
    }
    await vi.waitFor(() => {
      for (const name of names) {
        expect(received.get(name)).toEqual([name]);
        expect(received.get(`q-${name}`)).toEqual([name]);
      }
    }, WAIT);
    for (const client of clients) client.cut();
    for (const name of names) await publisher.publishAsync(`test/${name}/t`, `later ${name}`, { qos: 1 });
    await other.stop();
    gateways.splice(1);
    for (const name of names) await vi.waitFor(() => subscribe(name, `test/${name}/#`, 0), WAIT);
    await vi.waitFor(() => {
      for (const name of names) expect(received.get(name)).toEqual([name, `later ${name}`]);
    }, WAIT);
    for (const client of clients) client.cut();
    await publisher.endAsync(true);
  } finally {
    await other.stop();
  }
}, 120_000);

test('kill -9 of the instance that works on a queue, or on that of a group: who stays connected goes on, and nothing it acknowledged comes again', async () => {
  const other = await mesh.anotherGateway();
  const clients: MqttClient[] = [];
  try {
    const received = new Map<string, { payload: string; dup: boolean }[]>();
    // Without a client id a session is where its client came to.
    const subscribe = async (filter: string, name: string): Promise<void> => {
      const client = await MqttClient.open(gateway, {
        filter,
        onDelivery: (packet, from) => {
          const { payload, dup } = packet;
          received.set(name, [...(received.get(name) ?? []), { payload: payload.toString(), dup }]);
          from.acknowledge(packet);
        },
      });
      void client.closed.then(() => received.set(`${name} is closed`, []));
      clients.push(client);
    };
    const publish = async (payload: string): Promise<void> => {
      const publisher = await mqtt.connectAsync(`${gateway.replace('http', 'ws')}/protocols/mqtt311ws`, {
        clientId: '',
        wsOptions: { headers: await authorizationFor(gateway) },
      });
      for (const name of names) {
        await publisher.publishAsync(`queue:queue-${name}`, payload, { qos: 1 });
        await publisher.publishAsync(`test/${name}/t`, payload, { qos: 1 });
      }
      await publisher.endAsync(true);
    };
    // Many, so that each instance works on some: one in 8,000 times it has none of a kind.
    const names = Array.from({ length: 14 }, (_, n) => `${n}-${randomUUID()}`);
    const readers = names.flatMap((name) => [`queue ${name}`, `group ${name}`]);
    for (const [n, name] of names.entries()) {
      const url = `${n % 2 === 0 ? gateway : other.url('gateway')}/v1/queues/queue-${name}`;
      await vi.waitFor(
        async () => expect((await call('PUT', url, { body: { topicPatterns: [], order: 'none' } })).status).toBe(201),
        WAIT,
      );
      await vi.waitFor(() => subscribe(`queue:queue-${name}`, `queue ${name}`), WAIT);
      await vi.waitFor(() => subscribe(`$share/workers/test/${name}/#`, `group ${name}`), WAIT);
    }
    const here = (await call('GET', `${gateway}/v1/queues?limit=500`)).json as {
      queues: { name: string; statistics?: object }[];
    };
    const elsewhere = here.queues.filter(({ statistics }) => statistics === undefined).map(({ name }) => name);
    for (const kind of ['queue-', 'mqtt-share/']) expect(elsewhere.some((name) => name.startsWith(kind))).toBe(true);
    await publish('before');
    const told = (name: string): string[] => (received.get(name) ?? []).map(({ payload }) => payload);
    await vi.waitFor(() => {
      for (const reader of readers) expect([reader, told(reader)]).toEqual([reader, ['before']]);
    }, WAIT);
    await other.killApp('gateway');
    await vi.waitFor(() => publish('after'), WAIT);
    await vi.waitFor(() => {
      for (const reader of readers) expect([reader, told(reader).at(-1)]).toEqual([reader, 'after']);
    }, WAIT);
    for (const reader of readers) {
      expect([reader, told(reader).filter((payload) => payload === 'before')]).toEqual([reader, ['before']]);
      expect(received.has(`${reader} is closed`)).toBe(false);
    }
  } finally {
    for (const client of clients) client.cut();
    await other.stop();
  }
}, 120_000);
