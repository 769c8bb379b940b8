import { randomUUID } from 'node:crypto';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { MqttClient } from '../support/mqtt-client.js';

const WAIT = { timeout: 15_000 };

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'] });
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
      await subscribe(name, `test/${name}/#`, n);
      await subscribe(`q-${name}`, `queue:queue-${name}`, n);
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
