import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import { type QueueView, deleteQueue, putQueue, readQueue } from '../support/queue-clients.js';
import { RECEIVER_KINDS } from '../support/receiver-kinds.js';
import type { Receiver, ReceiverKind } from '../support/receiver.js';
import { deleteAllWebhooks } from '../support/webhooks.js';

const DEFINITION = { types: [CONTRACT_SIGNED], retry: { firstMs: 50, capMs: 200, attempts: 20 } };
/** Well beyond what a busy machine takes for a delivery: an attempt that runs out would be one more. */
const LEASE_MS = 5000;
const WAIT = { timeout: 20_000, interval: 100 };

let one: Mesh;
let other: Mesh;
let gateway: string;
const receivers: Receiver[] = [];
const queues: string[] = [];

// What is asked and published here goes to one instance; the other one works on the queues in question.
beforeAll(async () => {
  one = await sharedMesh();
  other = await one.anotherGateway();
  gateway = one.url('gateway');
});

afterAll(async () => {
  await other.stop();
  await one.stop();
});

afterEach(async () => {
  await deleteAllWebhooks(gateway);
  for (const receiver of receivers.splice(0)) await receiver.stop();
  for (const queue of queues.splice(0)) await deleteQueue(gateway, queue);
});

test('a receiver may be connected to any instance: a queue is managed, read and settled through it', async () => {
  for (const kind of RECEIVER_KINDS) {
    const queue = await queueOfOther();
    const receiver = await open(kind, queue);
    receiver.answerWith(({ attempt }) => (attempt === 1 ? 'release' : 'accept'));
    const keys = newKeys(5);
    const events = await publishContracts(gateway, [...keys, ...keys]);
    await receiver.received.until((all) => all.length === 2 * events.length);
    for (const event of events) {
      const attempts = receiver.of(event).map(({ attempt }) => attempt);
      expect({ kind: kind.name, attempts }).toEqual({ kind: kind.name, attempts: [1, 2] });
    }
    expectOrdered(receiver, keys, events);
    await vi.waitFor(async () => {
      expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 });
    }, WAIT);
  }
});

describe.each([
  { how: 'kill -9', withinMs: 10_000, end: () => other.killApp('gateway') },
  { how: 'an orderly stop', withinMs: 5000, end: () => other.stopApp('gateway') },
])('$how of the instance that works on a queue', ({ withinMs, end }) => {
  afterEach(async () => {
    await other.stopApp('gateway');
    await other.startApp('gateway');
  });

  test(`has another one go on within ${withinMs / 1000} s, whatever door receivers use: nothing is lost, each key in order, repeats marked`, async () => {
    const read: { queue: string; receiver: Receiver }[] = [];
    for (const kind of RECEIVER_KINDS) {
      const queue = await queueOfOther();
      read.push({ queue, receiver: await open(kind, queue) });
    }
    const keys = newKeys(10);
    const before = await publishContracts(gateway, Array.from({ length: 20 }, () => keys).flat());
    for (const { receiver } of read) await receiver.received.until((all) => all.length >= 50);
    let endedAt = Infinity;
    const ended = end().then(() => (endedAt = performance.now()));
    const after = await publishContracts(gateway, keys);
    const events = [...before, ...after];
    await Promise.all(read.map(({ receiver }) => receiver.received.until(allOf(idsOf(events), ({ id }) => id))));
    await ended;
    for (const { receiver } of read) {
      const lastAt = Math.max(...after.map((event) => receiver.of(event)[0]!.at));
      expect(lastAt - endedAt).toBeLessThan(withinMs);
      expectOrdered(receiver, keys, events);
      for (const event of events) {
        const [first, ...repeats] = receiver.of(event);
        for (const { redelivery, text } of repeats) {
          expect(['yes', 'maybe']).toContain(redelivery);
          expect(text).toBe(first!.text);
        }
      }
    }
    const { queues: known } = (await call('GET', `${gateway}/v1/queues`)).json as { queues: QueueView[] };
    for (const { queue } of read) expect(known.find(({ name }) => name === queue)).toHaveProperty('statistics');
  });
});

async function open(kind: ReceiverKind, queue: string): Promise<Receiver> {
  const receiver = await kind.open({ gateway, queue, leaseMs: LEASE_MS });
  receivers.push(receiver);
  return receiver;
}

/** A new queue that is not worked on by the instance that is asked. */
async function queueOfOther(): Promise<string> {
  return vi.waitFor(async () => {
    const queue = await putQueue(gateway, DEFINITION);
    queues.push(queue);
    // A list has the statistics of an instance's own queues only.
    const { queues: known } = (await call('GET', `${other.url('gateway')}/v1/queues`)).json as { queues: QueueView[] };
    expect(known.find(({ name }) => name === queue)).toHaveProperty('statistics');
    return queue;
  }, WAIT);
}

function expectOrdered(receiver: Receiver, keys: readonly string[], events: readonly Published[]): void {
  for (const key of keys) {
    expect(receiver.firstsOf(key)).toEqual(idsOf(events.filter(({ subject }) => subject === key)));
  }
}

function newKeys(count: number): string[] {
  return Array.from({ length: count }, () => `C-${freshKey()}`);
}

function idsOf(events: readonly Published[]): string[] {
  return events.map(({ id }) => id);
}
