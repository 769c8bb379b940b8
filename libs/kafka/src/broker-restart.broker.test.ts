import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Append, Consumer, ReadBatch, Reader } from '@heddle/event';
import { HeddleError, uuidv7 } from '@heddle/event';
import { freePorts, startBroker, type Running } from '@heddle/infra';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KafkaControlLog } from './kafka-control-log.js';
import { KafkaEventLog } from './kafka-event-log.js';

const WAIT = { timeout: 45_000, interval: 20 };

let dir: string;
let port: number;
let controllerPort: number;
let broker: Running;
const logs: KafkaEventLog[] = [];

const start = (): Promise<Running> =>
  startBroker({ dir: join(dir, 'broker'), port, controllerPort, logFile: join(dir, 'broker.log') });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-restart-'));
  [port, controllerPort] = (await freePorts(2)) as [number, number];
  broker = await start();
});
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
});
afterAll(async () => {
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
});

function open(own: { appendBoundMs?: number } = {}): KafkaEventLog {
  const codec = new AvroCodec(new MemorySchemaRegistry());
  const log = new KafkaEventLog({ brokers: [`127.0.0.1:${port}`], clientId: 'restart', codec, ...own });
  logs.push(log);
  return log;
}

async function newTopic(log: KafkaEventLog): Promise<string> {
  const topic = `restart-${uuidv7()}`;
  await log.ensureTopics([{ name: topic, partitions: 3, cleanup: 'delete' }]);
  return topic;
}

function append(topic: string, key: string, n: number): Append {
  const attributes = { id: `${key}-${n}`, source: '/t', type: 'a.b', datacontenttype: 'application/json' };
  return { topic, key, event: { attributes, value: Buffer.from(JSON.stringify({ n })) } };
}

/** A broker may take longer to come back than a fetch is given: whoever is refused for now asks again. */
async function untilAnswered<T>(fetch: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await fetch();
    } catch (error) {
      if (!(error instanceof HeddleError && error.code === 'log-unavailable')) throw error;
    }
  }
}

/** The numbers of each key, repeats left out. */
function firstOccurrences(batches: readonly ReadBatch[]): Map<string, number[]> {
  const seen = new Map<string, number[]>();
  for (const { key, data } of batches.flatMap((batch) => batch.events)) {
    const numbers = seen.get(key) ?? [];
    const { n } = data as { n: number };
    if (!numbers.includes(n)) numbers.push(n);
    seen.set(key, numbers);
  }
  return seen;
}

describe('when the broker is killed under load and comes back', () => {
  it('every append is answered, none acknowledged is lost, and first occurrences keep the order of their key', async () => {
    const log = open();
    const topic = await newTopic(log);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const acknowledged = new Map<string, number[]>(keys.map((key) => [key, []]));
    const positions = new Set<string>();
    const over = new AbortController();
    const writers = keys.map(async (key) => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        // A failed append is made again before the next, as a relay does.
        for (;;) {
          const [outcome] = await log.append([append(topic, key, n)]);
          if (outcome === undefined || 'error' in outcome) continue;
          const { partition, offset } = outcome.position;
          expect(positions.has(`${partition}/${offset}`)).toBe(false);
          positions.add(`${partition}/${offset}`);
          acknowledged.get(key)?.push(n);
          break;
        }
      }
    });
    const total = (): number => positions.size;
    const batches: ReadBatch[] = [];
    const reader = await log.read({
      topics: [topic],
      from: (_, bounds) => bounds.earliest,
      onBatch: (batch) => void batches.push(batch),
    });
    await vi.waitFor(() => expect(total()).toBeGreaterThan(500), WAIT);
    broker.kill();
    await broker.exited;
    broker = await start();
    const before = total();
    await vi.waitFor(() => expect(total()).toBeGreaterThan(before + 500), WAIT);
    over.abort();
    await Promise.all(writers);
    for (const key of keys) {
      await vi.waitFor(() => expect(firstOccurrences(batches).get(key)).toEqual(acknowledged.get(key)), WAIT);
    }
    await reader.stop();
  });

  it('whoever fetches single batches gets everything, in order, and once', async () => {
    const log = open();
    const topic = await newTopic(log);
    const outcomes = await log.append(Array.from({ length: 400 }, (_, n) => append(topic, 'k', n)));
    const first = outcomes[0];
    if (first === undefined || 'error' in first) throw new Error('not appended');
    const over = new AbortController();
    let fetched = 0;
    const fetchers = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const numbers: number[] = [];
        for (let offset = 0; offset < 400;) {
          const batch = await untilAnswered(() => log.fetch({ ...first.position, offset }, { maxBytes: 200 }));
          numbers.push(...batch.events.map(({ data }) => (data as { n: number }).n));
          offset = batch.nextOffset;
        }
        expect(numbers).toEqual(Array.from({ length: 400 }, (_, n) => n));
        fetched += 1;
      }
    });
    await vi.waitFor(() => expect(fetched).toBeGreaterThan(4), WAIT);
    broker.kill();
    await broker.exited;
    broker = await start();
    const before = fetched;
    await vi.waitFor(() => expect(fetched).toBeGreaterThan(before + 8), WAIT);
    over.abort();
    await Promise.all(fetchers);
  });

  it('who follows a control topic has every record applied once and in order', async () => {
    const log = new KafkaControlLog({ brokers: [`127.0.0.1:${port}`], clientId: 'restart' });
    const topic = `restart-${uuidv7()}`;
    await log.ensureTopics([{ name: topic, partitions: 2, cleanup: 'compact' }]);
    const applied: [number, number][] = [];
    const follower = await log.follow(topic, ({ partition, offset }) => void applied.push([partition, offset]));
    const over = new AbortController();
    const ends = [0, 0];
    const writers = [0, 1].map(async (partition) => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const puts = [{ partition, key: `k${n % 5}`, value: n }];
        const [offset] = await log.put(topic, puts).catch(() => []);
        if (offset !== undefined) ends[partition] = offset;
      }
    });
    await vi.waitFor(() => expect(applied.length).toBeGreaterThan(100), WAIT);
    broker.kill();
    await broker.exited;
    broker = await start();
    const before = applied.length;
    await vi.waitFor(() => expect(applied.length).toBeGreaterThan(before + 100), WAIT);
    over.abort();
    await Promise.all(writers);
    for (const partition of [0, 1]) {
      await follower.reached(partition, ends[partition] ?? 0);
      const offsets = applied.filter(([at]) => at === partition).map(([, offset]) => offset);
      expect(offsets).toEqual(offsets.map((_, index) => index));
    }
    const stuck = follower.reached(0, 1_000_000);
    await Promise.all([expect(stuck).rejects.toMatchObject({ code: 'stopping' }), log.close()]);
  });

  it('a consumer says that it is stalled, and goes on by itself, after what it had acknowledged', async () => {
    const log = open();
    const topic = await newTopic(log);
    const handled: number[] = [];
    const consumer: Consumer = await log.consume({
      group: `restart-${uuidv7()}`,
      topics: [topic],
      from: 'earliest',
      handle: (event) => {
        handled.push((event.data as { n: number }).n);
        return Promise.resolve();
      },
    });
    await log.append([append(topic, 'k', 1)]);
    await vi.waitFor(() => expect(handled).toEqual([1]), WAIT);
    await consumer.ping();
    await broker.stop();
    await vi.waitFor(() => expect(consumer.status().state).toBe('stalled'), WAIT);
    await expect(consumer.ping()).rejects.toMatchObject({ code: 'consumer-stalled', retryable: true });
    broker = await start();
    await log.append([append(topic, 'k', 2)]);
    await vi.waitFor(() => expect(handled).toContain(2), WAIT);
    await vi.waitFor(() => consumer.ping(), WAIT);
    await consumer.stop();
  });
});

describe('while the broker is away', () => {
  it('an append is answered within its bound, nothing later of its key is appended, and the log works again after', async () => {
    const log = open({ appendBoundMs: 2000 });
    const topic = await newTopic(log);
    await log.append([append(topic, 'k', 0)]);
    await broker.stop();
    const began = performance.now();
    const first = log.append([append(topic, 'k', 1)]);
    const later = log.append([append(topic, 'k', 2), append(topic, 'other', 3)]);
    const outcomes = (await Promise.all([first, later])).flat();
    expect(performance.now() - began).toBeLessThan(15_000);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ error: { retryable: true } });
    await expect(log.ping()).rejects.toMatchObject({ code: 'log-unavailable' });
    broker = await start();
    await vi.waitFor(async () => {
      expect(await log.append([append(topic, 'k', 4)])).toMatchObject([{ position: { topic } }]);
    }, WAIT);
    await log.ping();
  });

  it('a fetch is answered within its bound, and works again after', async () => {
    const log = open({ appendBoundMs: 2000 });
    const topic = await newTopic(log);
    const [outcome] = await log.append([append(topic, 'k', 1)]);
    if (outcome === undefined || 'error' in outcome) throw new Error('not appended');
    await log.fetch(outcome.position);
    // Stopped without a word, as by a network that drops everything: nothing is refused, nothing answered.
    process.kill(broker.pid, 'SIGSTOP');
    try {
      const began = performance.now();
      await expect(log.fetch(outcome.position)).rejects.toMatchObject({ code: 'log-unavailable', retryable: true });
      // kafkajs by itself would wait for 30 s.
      expect(performance.now() - began).toBeLessThan(15_000);
    } finally {
      process.kill(broker.pid, 'SIGCONT');
    }
    await vi.waitFor(async () => expect((await log.fetch(outcome.position)).events).toHaveLength(1), WAIT);
  });

  it('a reader that is asked for is refused, and one that runs can be stopped', async () => {
    const log = open({ appendBoundMs: 1000 });
    const topic = await newTopic(log);
    const reader: Reader = await log.read({ topics: [topic], from: () => 0, onBatch: () => undefined });
    await broker.stop();
    await expect(log.read({ topics: [`new-${topic}`], from: () => 0, onBatch: () => undefined })).rejects.toMatchObject(
      {
        code: 'log-unavailable',
      },
    );
    await reader.stop();
    broker = await start();
    await vi.waitFor(() => log.ping(), WAIT);
  });
});
