import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Namespaces } from '../messages/namespaces.js';
import type { DeliveryQueue } from './delivery-queue.js';
import { QueueDirectory } from './queue-directory.js';
import { type Incoming, QueueRooms } from './queue-rooms.js';
import { QueueStore } from './queue-store.js';
import type { QueueDefinition } from './queue.js';

const SOON = { timeout: 10_000 };
const QUEUE = {
  tenant: 'local',
  name: 'small',
  types: ['a.b.*'],
  topicPatterns: ['x/*'],
  filter: [],
  maxMessages: 2,
} as unknown as QueueDefinition;
const TO_QUEUE: Incoming = { address: { kind: 'queue', name: 'small' }, bytes: 1 };
const TO_TOPIC: Incoming = { address: { kind: 'topic', name: 'x/y' }, bytes: 1 };
const OF_TYPE: Incoming = {
  address: { kind: 'topic', name: 'default/heddle/s4/ce/a/b/C' },
  typed: { type: 'a.b.C', namespace: undefined },
  bytes: 1,
};

let directory: QueueDirectory;
let store: QueueStore;
let held: number;
/** Of the instance that works on the queue, and of another one. */
let owner: QueueRooms;
let other: QueueRooms;

beforeEach(async () => {
  const controlLog = new MemoryControlLog();
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  directory = new QueueDirectory(controlLog);
  await directory.start();
  store = new QueueStore(controlLog, directory, 'one', 'http://one.test');
  held = 0;
  const queue = {
    isCurrent: true,
    get definition() {
      return directory.queue('local', 'small');
    },
    get statistics() {
      return { messages: held, bytes: held * 10 };
    },
  } as unknown as DeliveryQueue;
  const parts = { directory, store, namespaces: new Namespaces(), log: createLog('test', 'silent') };
  owner = new QueueRooms({ ...parts, atWork: (_tenant, name) => (name === 'small' ? queue : undefined) });
  other = new QueueRooms({ ...parts, atWork: () => undefined });
  await store.putQueue(QUEUE);
  owner.start();
});

afterEach(async () => {
  owner.stop();
  await directory.stop();
});

it('other instances refuse for a queue that is full, too, and no longer once it is not', async () => {
  for (const incoming of [TO_QUEUE, TO_TOPIC, OF_TYPE]) expect(() => other.admit('local', incoming)).not.toThrow();
  held = 2;
  const full = expect.objectContaining({ code: 'queue-full', status: 507, retryable: true }) as Error;
  for (const incoming of [TO_QUEUE, TO_TOPIC, OF_TYPE]) {
    expect(() => owner.admit('local', incoming)).toThrow(full);
    await vi.waitFor(() => expect(() => other.admit('local', incoming)).toThrow(full), SOON);
  }
  expect(() => other.admit('acme', TO_QUEUE)).not.toThrow();
  expect(() => other.admit('local', { address: { kind: 'topic', name: 'y/z' }, bytes: 1 })).not.toThrow();
  held = 1;
  expect(() => owner.admit('local', TO_QUEUE)).not.toThrow();
  await vi.waitFor(() => expect(() => other.admit('local', TO_QUEUE)).not.toThrow(), SOON);
});

it('a queue whose bounds are taken while it is full leaves nothing that says so, nor does one that is deleted then', async () => {
  const { maxMessages: _bound, ...unbounded } = QUEUE;
  for (const end of ['changed', 'deleted'] as const) {
    await store.putQueue(QUEUE);
    held = 2;
    await vi.waitFor(() => expect(directory.isFull('local', 'small')).toBe(true), SOON);
    if (end === 'changed') await store.putQueue(unbounded as QueueDefinition);
    else {
      owner.stop();
      // As one from before would have it: without its bounds, and full.
      await store.deleteQueue(unbounded as QueueDefinition);
    }
    expect(directory.isFull('local', 'small')).toBe(false);
    held = 0;
  }
});

it('events that clients publish are held back by queues that say so, and by no others', async () => {
  const EVENT: Incoming = { typed: { type: 'a.b.C', namespace: undefined }, bytes: 1 };
  held = 2;
  expect(() => owner.admit('local', EVENT)).not.toThrow();
  await store.putQueue({ ...QUEUE, whenFull: 'refuse-all' });
  expect(() => owner.admit('local', EVENT)).toThrow(expect.objectContaining({ code: 'queue-full' }) as Error);
  expect(() => owner.admit('local', { ...EVENT, typed: { type: 'x.y.Z', namespace: undefined } })).not.toThrow();
  expect(() => owner.admit('local', TO_TOPIC)).toThrow();
  await vi.waitFor(() => expect(() => other.admit('local', EVENT)).toThrow(), SOON);
  held = 1;
  expect(() => owner.admit('local', EVENT)).not.toThrow();
});

it('a queue that is deleted is full for nobody', async () => {
  held = 2;
  await vi.waitFor(() => expect(directory.isFull('local', 'small')).toBe(true), SOON);
  owner.stop();
  await store.deleteQueue(QUEUE);
  expect(directory.isFull('local', 'small')).toBe(false);
  expect(() => other.admit('local', TO_QUEUE)).not.toThrow();
});

it('bytes are bounded like messages, and one message by itself', async () => {
  await store.putQueue({ ...QUEUE, maxMessages: 100, maxBytes: 20, maxMessageBytes: 5 });
  expect(() => owner.admit('local', { ...TO_QUEUE, bytes: 6 })).toThrow(
    expect.objectContaining({ code: 'too-large', status: 413 }) as Error,
  );
  held = 1;
  expect(() => owner.admit('local', { ...TO_QUEUE, bytes: 5 })).not.toThrow();
  held = 2;
  expect(() => owner.admit('local', TO_QUEUE)).toThrow(expect.objectContaining({ code: 'queue-full' }) as Error);
});

it('where a filter decides what is taken, nothing is refused by topic', async () => {
  held = 2;
  await store.putQueue({ ...QUEUE, filter: [{ exact: { type: 'a.b.C' } }] as never });
  expect(() => owner.admit('local', OF_TYPE)).not.toThrow();
  expect(() => owner.admit('local', TO_QUEUE)).toThrow();
});
