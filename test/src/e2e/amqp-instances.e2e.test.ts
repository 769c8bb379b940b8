import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AmqpReceiver } from '../support/amqp-receiver.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { publishContracts } from '../support/publishing.js';
import { putQueue } from '../support/queue-clients.js';

const LONG = 60_000;
const RETRY = { firstMs: 50, factor: 2, capMs: 200, jitter: 0, attempts: 20 };

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

test('links of one connection go to queues of all instances, and an instance that is killed costs no event', async () => {
  const other = await mesh.anotherGateway();
  const receivers: AmqpReceiver[] = [];
  try {
    const queues = await Promise.all(
      Array.from({ length: 12 }, () => putQueue(gateway, { types: [CONTRACT_SIGNED], retry: RETRY })),
    );
    const keys = Array.from({ length: 10 }, () => `C-${randomUUID().slice(0, 8)}`);
    // Each at the one instance, whoever works on its queue.
    for (const queue of queues) receivers.push(new AmqpReceiver({ gateway, queue, leaseMs: 15_000 }));
    const before = await publishContracts(gateway, keys);
    const hasAll = (events: readonly { id: string }[]): void => {
      const ids = events.map(({ id }) => id).toSorted();
      for (const receiver of receivers) expect([...new Set(receiver.ids)].toSorted()).toEqual(ids);
    };
    await vi.waitFor(() => hasAll(before), { timeout: LONG });
    await other.killApp('gateway');
    const after = await publishContracts(gateway, keys);
    await vi.waitFor(() => hasAll([...before, ...after]), { timeout: LONG });
    for (const receiver of receivers) {
      for (const key of keys) {
        expect(receiver.firstsOf(key)).toEqual(
          [...before, ...after].filter(({ subject }) => subject === key).map(({ id }) => id),
        );
      }
    }
  } finally {
    await Promise.all(receivers.map((receiver) => receiver.stop()));
    await other.stop();
  }
}, 120_000);
