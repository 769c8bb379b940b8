import { uuidv7 } from '@heddle/event';
import type { Event, EventLog } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { consumerContract, keptLetters } from '../../../test/src/contract/consumer.contract.js';
import { KafkaEventLog } from './kafka-event-log.js';

const { kafkaBrokers } = inject('stack');
const WAIT = { timeout: 20_000, interval: 10 };
const TEST_SCHEMA = {
  type: 'record',
  name: 'Test',
  namespace: 'heddle.test.v1',
  fields: [{ name: 'n', type: 'int' }],
} as const;

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
let schemaId = 0;
beforeAll(async () => {
  schemaId = await registry.register('test', TEST_SCHEMA);
  await codec.load(schemaId);
});

function event(n: number, more: Record<string, string> = {}): Event {
  const type = 'heddle.test.v1.Test.Happened.v1';
  return {
    attributes: { ...more, id: uuidv7(), source: '/test', type, datacontenttype: 'application/avro' },
    value: codec.encode(schemaId, { n }),
  };
}

const logs: EventLog[] = [];
afterAll(async () => {
  await Promise.all(logs.map((log) => log.close()));
});

function open(lines: { event: string; group: unknown }[] = []): KafkaEventLog {
  const log = new KafkaEventLog({
    brokers: kafkaBrokers,
    clientId: 'consumer',
    codec,
    stopPatienceMs: 200,
    log: (_, name, { group }) => {
      if (name.startsWith('handle.')) lines.push({ event: name, group });
    },
  });
  logs.push(log);
  return log;
}

consumerContract('on Kafka', () => {
  const lines: { event: string; group: unknown }[] = [];
  const log = open(lines);
  return Promise.resolve({
    log,
    event,
    lines: (group) => lines.filter((line) => line.group === group).map((line) => line.event),
    deadLetters: (group) => keptLetters(log, group),
    close: () => Promise.resolve(),
  });
});

describe('a handler that takes longer than the session of its member', () => {
  it('is not disturbed, for heartbeats go on, and its event is not given to another', async () => {
    const log = open();
    const topic = `slow-${uuidv7()}`;
    await log.ensureTopics([{ name: topic, partitions: 2, cleanup: 'delete', retentionMs: -1 }]);
    const begun: string[] = [];
    let wasAborted: boolean | undefined;
    const join = (name: string) =>
      log.consume({
        group: `slow-${topic}`,
        topics: [topic],
        from: 'earliest',
        handle: async (_, { signal }) => {
          begun.push(name);
          await delay(8000);
          wasAborted = signal.aborted;
        },
      });
    const first = await join('first');
    await log.append([{ topic, key: 'k', event: event(1) }]);
    await vi.waitFor(() => expect(begun).toEqual(['first']), WAIT);
    await vi.waitFor(() => expect(first.status().handled).toBe(1), WAIT);
    await first.ping();
    expect(begun).toEqual(['first']);
    expect(wasAborted).toBe(false);
    await first.stop();
  });
});
