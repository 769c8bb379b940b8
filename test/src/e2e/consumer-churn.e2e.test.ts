import { partitionOf, uuidv7 } from '@heddle/event';
import type { Consumer, Event } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, inject, it, vi } from 'vitest';

/** `HEDDLE_CHURN_SECONDS=180 HEDDLE_CHURN_EVERY_SECONDS=15` is the long form; one that joins and one that leaves each time. */
const SECONDS = Number(process.env['HEDDLE_CHURN_SECONDS'] ?? 24);
const EVERY_SECONDS = Number(process.env['HEDDLE_CHURN_EVERY_SECONDS'] ?? 6);
const INSTANCES = 3;
const PARTITIONS = 6;
const KEYS = Array.from({ length: 24 }, (_, index) => `key-${index}`);
const APPEND_EVERY_MS = 50;

const { kafkaBrokers } = inject('stack');
const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
const topic = `churn-${uuidv7()}`;
const instances: Instance[] = [];

/** A process's worth of a consumer: a log of its own with connections of its own. */
class Instance {
  private constructor(
    private readonly log: KafkaEventLog,
    readonly consumer: Consumer,
  ) {}

  static async start(name: string, onHandled: (name: string, key: string, n: number) => void): Promise<Instance> {
    const log = new KafkaEventLog({ brokers: kafkaBrokers, clientId: name, codec, stopPatienceMs: 2000 });
    const failedOnce = new Set<string>();
    const consumer = await log.consume({
      group: topic,
      topics: [topic],
      from: 'earliest',
      retry: { attempts: 5, firstMs: 20 },
      handle: async ({ key, data }, { signal }) => {
        const { n } = data as { n: number };
        await delay(Math.random() * 5);
        if (n % 50 === 7 && !failedOnce.has(key + n)) {
          failedOnce.add(key + n);
          throw new Error('not this time');
        }
        signal.throwIfAborted();
        onHandled(name, key, n);
      },
    });
    return new Instance(log, consumer);
  }

  async stop(): Promise<void> {
    await this.consumer.stop();
    await this.log.close();
  }
}

afterAll(() => Promise.all(instances.map((instance) => instance.stop())));

it(
  `${INSTANCES} instances that join and leave lose nothing, and every key is first handled in order`,
  async () => {
    const schemaId = await registry.register('churn', {
      type: 'record',
      name: 'Churn',
      fields: [{ name: 'n', type: 'int' }],
    });
    await codec.load(schemaId);
    const source = new KafkaEventLog({ brokers: kafkaBrokers, clientId: 'source', codec });
    await source.ensureTopics([{ name: topic, partitions: PARTITIONS, cleanup: 'delete', retentionMs: -1 }]);
    const event = (n: number): Event => ({
      attributes: { id: uuidv7(), source: '/t', type: 'heddle.test.v1.Churn', datacontenttype: 'application/avro' },
      value: codec.encode(schemaId, { n }),
    });
    const firsts = new Map<string, number[]>(KEYS.map((key) => [key, []]));
    const handlers = new Set<string>();
    let repeats = 0;
    const onHandled = (name: string, key: string, n: number): void => {
      handlers.add(name);
      const seen = firsts.get(key) as number[];
      if (seen.includes(n)) repeats += 1;
      else seen.push(n);
    };
    let started = 0;
    const start = async (): Promise<void> => {
      started += 1;
      instances.push(await Instance.start(`instance-${started}`, onHandled));
    };
    for (let index = 0; index < INSTANCES; index += 1) await start();

    let appended = 0;
    const until = Date.now() + SECONDS * 1000;
    const appending = (async () => {
      while (Date.now() < until) {
        const n = (appended += 1);
        const outcomes = await source.append(KEYS.map((key) => ({ topic, key, event: event(n) })));
        for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
        await delay(APPEND_EVERY_MS);
      }
    })();
    while (Date.now() < until) {
      await delay(EVERY_SECONDS * 1000);
      await Promise.all([instances.shift()?.stop(), start()]);
    }
    await appending;
    const expected = Array.from({ length: appended }, (_, index) => index + 1);
    await vi.waitFor(
      () => {
        for (const seen of firsts.values()) expect(seen).toHaveLength(appended);
      },
      { timeout: 60_000, interval: 100 },
    );
    for (const key of KEYS) expect(firsts.get(key), key).toEqual(expected);
    expect(handlers.size).toBeGreaterThan(INSTANCES);
    expect(new Set(KEYS.map((key) => partitionOf(key, PARTITIONS))).size).toBe(PARTITIONS);
    // What is repeated is what was not committed at a change of members: never much.
    expect(repeats).toBeLessThan(appended * KEYS.length);
    await source.close();
  },
  (SECONDS + 120) * 1000,
);
