import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CONTROL_TOPICS, uuidv7 } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import type { Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { KafkaEventLog } from './kafka-event-log.js';
import { kafkajs } from './kafkajs.js';
import type { SetAsideRecord } from './set-aside.js';

const { kafkaBrokers } = inject('stack');
const WAIT = { timeout: 20_000, interval: 10 };
const kafka = new kafkajs.Kafka({ brokers: kafkaBrokers, clientId: 'foreign', logLevel: kafkajs.logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.JavaCompatiblePartitioner });
const admin = kafka.admin();
const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
const lines: Record<string, unknown>[] = [];
const setAside: SetAsideRecord[] = [];
let log: KafkaEventLog;
let schemaId: number;

beforeAll(async () => {
  const fields = [{ name: 'n', type: 'int' }];
  schemaId = await registry.register('test', { type: 'record', name: 'T', namespace: 'heddle.test.v1', fields });
  await codec.load(schemaId);
  log = new KafkaEventLog({
    brokers: kafkaBrokers,
    clientId: 'ours',
    codec,
    onSetAside: (foreign) => setAside.push(foreign),
    log: (_, event, own) => lines.push({ event, ...own }),
  });
  await Promise.all([producer.connect(), admin.connect()]);
});
afterAll(async () => {
  await Promise.all([producer.disconnect(), admin.disconnect(), log.close()]);
});

async function newTopic(partitions = 1): Promise<string> {
  const topic = `foreign-${uuidv7()}`;
  await log.ensureTopics([{ name: topic, partitions, cleanup: 'delete' }]);
  return topic;
}

function record(n: number, own: Partial<Message> = {}): Message {
  const headers = { ce_specversion: '1.0', ce_id: String(n), ce_source: '/foreign', ce_type: 'a.b' };
  return { key: 'k', value: codec.encode(schemaId, { n }), headers, ...own };
}

async function read(topic: string): Promise<{ events: StoredEvent[]; stop(): Promise<void> }> {
  const events: StoredEvent[] = [];
  const reader = await log.read({
    topics: [topic],
    from: (_, bounds) => bounds.earliest,
    onBatch: (batch) => void events.push(...batch.events),
  });
  return { events, stop: () => reader.stop() };
}

const numbers = (events: readonly StoredEvent[]): number[] => events.map((event) => (event.data as { n: number }).n);

describe('records of other clients', () => {
  it.each([
    ['gzip', kafkajs.CompressionTypes.GZIP],
    ['snappy', kafkajs.CompressionTypes.Snappy],
    ['lz4', kafkajs.CompressionTypes.LZ4],
    ['zstd', kafkajs.CompressionTypes.ZSTD],
  ])('are read when they are compressed with %s', async (_, compression) => {
    const topic = await newTopic();
    await producer.send({ topic, compression, messages: [record(1), record(2)] });
    const { events, stop } = await read(topic);
    await vi.waitFor(() => expect(numbers(events)).toEqual([1, 2]), WAIT);
    await stop();
  });

  it('are read when their data is JSON', async () => {
    const topic = await newTopic();
    const json = record(0, { value: '{"n":7}' });
    await producer.send({
      topic,
      messages: [{ ...json, headers: { ...json.headers, 'content-type': 'application/json' } }],
    });
    const { events, stop } = await read(topic);
    await vi.waitFor(() => expect(numbers(events)).toEqual([7]), WAIT);
    await stop();
  });

  it('that are no events are set aside once, whoever reads them, with what they were and why', async () => {
    const topic = await newTopic();
    const unknownSchema = Buffer.from([0, 0, 0, 3, 9, 2]);
    const brokenAvro = Buffer.concat([codec.encode(schemaId, { n: 1 }), Buffer.from([1])]);
    await producer.send({
      topic,
      messages: [
        { key: 'plain', value: 'hello', headers: { traceid: 'x' } },
        record(1, { value: null }),
        record(2, { key: null }),
        record(3, { value: unknownSchema }),
        record(4, { value: brokenAvro }),
        record(5),
      ],
    });
    const one = await read(topic);
    const other = await read(topic);
    await vi.waitFor(() => expect([numbers(one.events), numbers(other.events)]).toEqual([[5], [5]]), WAIT);
    await Promise.all([one.stop(), other.stop()]);

    const mine = setAside.filter((at) => at.topic === topic);
    expect(mine.slice(0, 5).map((at) => at.reason)).toEqual([
      'no-attributes',
      'no-value',
      'no-key',
      'schema-unknown',
      'data-invalid',
    ]);
    expect(lines.filter((line) => line['event'] === 'record.set-aside' && line['topic'] === topic)).toHaveLength(5);

    const copies = await vi.waitFor(async () => {
      const found = (await everythingIn(CONTROL_TOPICS.setAside)).filter((copy) => copy.key?.startsWith(`${topic}/`));
      expect(new Set(found.map((copy) => copy.key)).size).toBe(5);
      return found;
    }, WAIT);
    expect(copies.find((copy) => copy.key === `${topic}/0/0`)).toMatchObject({
      value: 'hello',
      headers: { 'heddle-reason': 'no-attributes', 'heddle-key': 'plain', traceid: 'x' },
    });
  });

  it('may have a number as key: its bytes are the key, as long as they are text', async () => {
    const topic = await newTopic();
    await producer.send({ topic, messages: [record(1, { key: Buffer.from([0, 0, 0x12, 0x67]) })] });
    const { events, stop } = await read(topic);
    await vi.waitFor(() => expect(events.map(({ key }) => key)).toEqual(['\0\0\x12g']), WAIT);
    await stop();
  });

  it('in a transaction are handled by a group when it is committed, passed when it is not, whatever their keys', async () => {
    const topic = await newTopic();
    const writer = kafka.producer({ transactionalId: uuidv7(), maxInFlightRequests: 1, idempotent: true });
    await writer.connect();
    const aborted = await writer.transaction();
    // The key of an abort marker, and of Java's number 0.
    await aborted.send({ topic, messages: [record(1, { key: Buffer.alloc(4) }), record(2)] });
    await aborted.abort();
    const committed = await writer.transaction();
    await committed.send({ topic, messages: [record(3)] });
    await committed.commit();
    await writer.disconnect();
    const handled: number[] = [];
    const group = await log.consume({
      group: `group-${uuidv7()}`,
      topics: [topic],
      from: 'earliest',
      handle: (event) => Promise.resolve(void handled.push((event.data as { n: number }).n)),
    });
    const { events, stop } = await read(topic);
    await vi.waitFor(() => expect([handled, numbers(events)]).toEqual([[3], [3]]), WAIT);
    await Promise.all([group.stop(), stop()]);
  });

  it('in a transaction are read when it is committed, passed when it is not', async () => {
    const topic = await newTopic();
    const writer = kafka.producer({ transactionalId: uuidv7(), maxInFlightRequests: 1, idempotent: true });
    await writer.connect();
    const aborted = await writer.transaction();
    await aborted.send({ topic, messages: [record(1)] });
    await aborted.abort();
    const committed = await writer.transaction();
    await committed.send({ topic, messages: [record(2)] });
    await committed.commit();
    await writer.disconnect();
    let next = 0;
    const reader = await log.read({
      topics: [topic],
      from: (_, bounds) => bounds.earliest,
      onBatch: (batch) => {
        next = batch.nextOffset;
        events.push(...batch.events);
      },
    });
    const events: StoredEvent[] = [];
    await vi.waitFor(() => expect(numbers(events)).toEqual([2]), WAIT);
    await vi.waitFor(() => expect(next).toBe(4), WAIT);
    await reader.stop();
    const fetched = await log.fetch({ topic, partition: 0, offset: 0 });
    expect(fetched).toMatchObject({ events: [{ offset: 2 }], from: 0, nextOffset: 4, end: 4 });
    // The last offset is a marker's: there is nothing to bring, and yet somewhere to go on.
    const marker = await log.fetch({ topic, partition: 0, offset: 3 });
    expect(marker).toMatchObject({ events: [], from: 3, nextOffset: 4 });
  });
});

describe('a batch that nobody can unpack', () => {
  it('is set aside, and readers, groups and fetches go on behind it', async () => {
    const topic = await newTopic();
    const bomb = { key: 'k', value: Buffer.alloc(70 * 1024 * 1024) };
    await producer.send({ topic, messages: [record(1)] });
    await producer.send({ topic, compression: kafkajs.CompressionTypes.ZSTD, messages: [bomb] });
    await producer.send({ topic, messages: [record(2)] });
    const reader = await read(topic);
    const handled: number[] = [];
    const group = await log.consume({
      group: `group-${uuidv7()}`,
      topics: [topic],
      from: 'earliest',
      handle: (event) => Promise.resolve(void handled.push((event.data as { n: number }).n)),
    });
    await vi.waitFor(
      () =>
        expect([numbers(reader.events), handled]).toEqual([
          [1, 2],
          [1, 2],
        ]),
      WAIT,
    );
    await Promise.all([reader.stop(), group.stop()]);
    expect(numbers((await log.fetch({ topic, partition: 0, offset: 1 })).events)).toEqual([2]);
    const mine = setAside.filter((at) => at.topic === topic);
    expect(mine.map(({ offset, reason }) => [offset, reason])).toEqual([1, 1, 1].map((at) => [at, 'batch-unreadable']));
    expect(mine[0]!.detail).toMatch(/offsets 1 to 1 /);
  });
});

describe('a group', () => {
  it('shares its partitions among its members; what one leaves behind the other handles, nothing is lost', async () => {
    const topic = await newTopic(6);
    const group = `group-${uuidv7()}`;
    const handled: [string, number][] = [];
    const join = (name: string) =>
      log.consume({
        group,
        topics: [topic],
        from: 'earliest',
        handle: (event) => {
          handled.push([name, (event.data as { n: number }).n]);
          return Promise.resolve();
        },
      });
    const append = (from: number) =>
      log.append(
        Array.from({ length: 60 }, (_, index) => ({
          topic,
          key: `key-${index}`,
          event: {
            attributes: { id: uuidv7(), source: '/t', type: 'a.b', datacontenttype: 'application/avro' },
            value: codec.encode(schemaId, { n: from + index }),
          },
        })),
      );
    const seen = () => new Set(handled.map(([, n]) => n)).size;
    const first = await join('first');
    await append(0);
    await vi.waitFor(() => expect(seen()).toBe(60), WAIT);
    const second = await join('second');
    await append(100);
    await vi.waitFor(() => expect(seen()).toBe(120), WAIT);
    await vi.waitFor(() => expect(new Set(handled.map(([name]) => name))).toEqual(new Set(['first', 'second'])), WAIT);
    await first.stop();
    await append(200);
    await vi.waitFor(() => expect(seen()).toBe(180), WAIT);
    // Nobody crashed: handing partitions over cost no repeats.
    expect(handled).toHaveLength(180);
    await second.stop();
  });
});

describe('a reader', () => {
  it('reports the gap when the log has dropped what it wanted, and goes on at the start', async () => {
    const topic = await newTopic();
    await producer.send({ topic, messages: [record(0), record(1), record(2), record(3)] });
    // kafkajs deletes from leaders it knows already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    const gaps: unknown[] = [];
    const events: StoredEvent[] = [];
    const reader = await log.read({
      topics: [topic],
      from: () => 0,
      onGap: (gap) => gaps.push(gap),
      onBatch: (batch) => void events.push(...batch.events),
    });
    await vi.waitFor(() => expect(numbers(events)).toEqual([2, 3]), WAIT);
    expect(gaps).toEqual([{ topic, partition: 0, from: 0, to: 2 }]);
    await reader.stop();
    expect(await log.fetch({ topic, partition: 0, offset: 0 })).toMatchObject({
      events: [{ offset: 2 }, { offset: 3 }],
      from: 2,
      nextOffset: 4,
    });
  });

  it('finds partitions that are added', async () => {
    const topic = await newTopic();
    const { events, stop } = await read(topic);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    await producer.send({ topic, messages: [record(1, { partition: 1 }), record(2, { partition: 0 })] });
    await vi.waitFor(() => expect(numbers(events).toSorted()).toEqual([1, 2]), WAIT);
    await stop();
  });

  it('makes no group, for nobody shares its partitions', async () => {
    const groups = async (): Promise<string[]> =>
      (await admin.listGroups()).groups.map(({ groupId }) => groupId).toSorted();
    const before = await groups();
    const topic = await newTopic();
    const { events, stop } = await read(topic);
    await producer.send({ topic, messages: [record(1)] });
    await vi.waitFor(() => expect(numbers(events)).toEqual([1]), WAIT);
    expect(await groups()).toEqual(before);
    await stop();
  });
});

describe('a process that uses the log', () => {
  it('prints no warning of a client library', async () => {
    const program = `
      import { KafkaEventLog } from '@heddle/kafka';
      const log = new KafkaEventLog({ brokers: ${JSON.stringify(kafkaBrokers)}, clientId: 'quiet', codec: {} });
      await log.ping();
      await log.append([{ topic: 'none', key: 'k', event: { attributes: {}, value: Buffer.alloc(1) } }]);
      await log.close();`;
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd,
    });
    expect(stdout + stderr).toBe('');
  });
});

interface Copy {
  key: string | undefined;
  value: string | undefined;
  headers: Record<string, string>;
}

/** All records of a topic, as a plain client reads them. */
async function everythingIn(topic: string): Promise<Copy[]> {
  const ends = await admin.fetchTopicOffsets(topic);
  const copies: Copy[] = [];
  const open = new Map(ends.filter((at) => at.high !== at.low).map((at) => [at.partition, Number(at.high)]));
  const consumer = kafka.consumer({ groupId: `test-${uuidv7()}` });
  const done = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ partition, message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
      copies.push({
        key: message.key?.toString(),
        value: message.value?.toString(),
        headers: Object.fromEntries(headers) as Record<string, string>,
      });
      if (Number(message.offset) + 1 >= (open.get(partition) ?? 0)) open.delete(partition);
      if (open.size === 0) done.resolve();
      return Promise.resolve();
    },
  });
  if (open.size > 0) await done.promise;
  await consumer.disconnect();
  return copies;
}
