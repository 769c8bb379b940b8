import { randomUUID } from 'node:crypto';
import { partitionOf } from '@heddle/event';
import type { Append, AppendOutcome, EventLog, Position, ReadBatch, StoredEvent } from '@heddle/event';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { consumeContract } from './event-log-consume.contract.js';
import { fetchContract } from './event-log-fetch.contract.js';
import {
  PARTITIONS,
  WAIT,
  appendAllTo,
  newTopicOf,
  numbers,
  positionOf,
  type EventLogHarness,
} from './event-log-harness.js';

/** What every event log promises; see `EventLog`. Topics and groups are new each time, for a real log is shared. */
export function eventLogContract(name: string, open: () => Promise<EventLogHarness>): void {
  describe(`the event log contract: ${name}`, () => {
    let harness: EventLogHarness;
    let log: EventLog;
    beforeAll(async () => {
      harness = await open();
      log = harness.log;
    });
    afterAll(() => harness.close());

    const newTopic = (): Promise<string> => newTopicOf(harness);
    const append = (topic: string, key: string, n: number): Append => ({ topic, key, event: harness.event(n) });
    const appendAll = (topic: string, key: string, ns: readonly number[]) => appendAllTo(harness, topic, key, ns);
    const collect = async (topics: readonly string[], from: 'earliest' | 'end' = 'earliest') => {
      const events: StoredEvent[] = [];
      const batches: ReadBatch[] = [];
      const reader = await log.read({
        topics,
        from: (_, bounds) => bounds[from],
        onBatch: (batch) => {
          batches.push(batch);
          events.push(...batch.events);
        },
      });
      return { reader, events, batches };
    };

    describe('append', () => {
      it('keeps the order of a key, whatever calls its events came in', async () => {
        const topic = await newTopic();
        const keys = ['a', 'b', 'c', 'd', 'e'];
        const calls = Array.from({ length: 40 }, (_, n) => log.append(keys.map((key) => append(topic, key, n))));
        const outcomes = (await Promise.all(calls)).flat();
        expect(outcomes.every((outcome) => 'position' in outcome)).toBe(true);
        const { reader, events } = await collect([topic]);
        await vi.waitFor(() => expect(events).toHaveLength(200), WAIT);
        await reader.stop();
        const expected = Array.from({ length: 40 }, (_, n) => n);
        for (const key of keys) expect(numbers(events.filter((event) => event.key === key))).toEqual(expected);
      });

      it('answers with the position each event is read at, and never names one position twice', async () => {
        const topic = await newTopic();
        const calls = Array.from({ length: 30 }, (_, call) =>
          Array.from({ length: 20 }, (__, n) => append(topic, `key-${n % 7}`, call * 100 + n)),
        );
        const answered = await Promise.all(
          calls.map(async (call) => {
            const outcomes = await log.append(call);
            return outcomes.map((outcome, index) => ({ position: positionOf(outcome), append: call[index] as Append }));
          }),
        );
        const positions = new Map(answered.flat().map((at) => [nameOf(at.position), at.append]));
        expect(positions.size).toBe(600);
        const { reader, events } = await collect([topic]);
        await vi.waitFor(() => expect(events).toHaveLength(600), WAIT);
        await reader.stop();
        for (const event of events) {
          const appended = positions.get(nameOf(event));
          expect(event.attributes.id).toBe(appended?.event.attributes.id);
          expect(event.key).toBe(appended?.key);
        }
      });

      it('places a key as the Java client does', async () => {
        const topic = await newTopic();
        const keys = ['4711', 'ünïcode', 'a-rather-long-key-with-many-bytes'];
        const outcomes = await log.append(keys.map((key) => append(topic, key, 1)));
        expect(outcomes.map((outcome) => positionOf(outcome).partition)).toEqual(
          keys.map((key) => partitionOf(key, PARTITIONS)),
        );
      });

      it('appends nothing of a key after one of its events failed, and everything of the others', async () => {
        const topic = await newTopic();
        const outcomes = await log.append([
          append(topic, 'bad', 1),
          harness.refused(append(topic, 'bad', 2)),
          append(topic, 'good', 3),
          append(topic, 'bad', 4),
          append(topic, 'good', 5),
        ]);
        expect(outcomes.map(codeOf)).toEqual([
          'appended',
          expect.not.stringMatching(/^(appended|not-appended)$/),
          'appended',
          'not-appended',
          'appended',
        ]);
        const { reader, events } = await collect([topic]);
        await vi.waitFor(() => expect(events).toHaveLength(3), WAIT);
        // The key is free again in the next call.
        await appendAll(topic, 'bad', [6]);
        await vi.waitFor(() => expect(numbers(events).toSorted()).toEqual([1, 3, 5, 6]), WAIT);
        await reader.stop();
      });

      it('answers for a topic that does not exist, and appends to those that do', async () => {
        const topic = await newTopic();
        const outcomes = await log.append([append(`no-${topic}`, 'k', 1), append(topic, 'k', 2)]);
        expect(outcomes.map(codeOf)).toEqual(['log-unavailable', 'appended']);
      });

      it('answers an empty call', async () => {
        expect(await log.append([])).toEqual([]);
      });
    });

    describe('read', () => {
      it('gives back attributes, bytes, key, position and decoded data', async () => {
        const topic = await newTopic();
        const sent = append(topic, 'ünïcode', 7);
        sent.event.attributes['correlationid'] = 'çorrelation';
        const [outcome] = await log.append([sent]);
        const { reader, events } = await collect([topic]);
        await vi.waitFor(() => expect(events).toHaveLength(1), WAIT);
        await reader.stop();
        const [event] = events as [StoredEvent];
        expect(event).toMatchObject({ ...positionOf(outcome), key: 'ünïcode', data: { n: 7 } });
        expect(event.attributes).toEqual(sent.event.attributes);
        expect(Buffer.from(event.value).equals(sent.event.value)).toBe(true);
        expect(Math.abs(event.appendedAt - Date.now())).toBeLessThan(60_000);
      });

      it('gives back what was noted beside an event, and nothing where nothing was', async () => {
        const topic = await newTopic();
        const notes = { 'heddle-reason': 'ünreachable', 'heddle-attempts': '3' };
        await log.append([{ ...append(topic, 'k', 1), notes }, append(topic, 'k', 2)]);
        const { reader, events } = await collect([topic]);
        await vi.waitFor(() => expect(events).toHaveLength(2), WAIT);
        await reader.stop();
        expect(events[0]?.notes).toEqual(notes);
        expect(events[0]?.attributes).not.toHaveProperty('heddle-reason');
        expect(events[1]).not.toHaveProperty('notes');
      });

      it('begins where it is told, and says how far it is through', async () => {
        const topic = await newTopic();
        const positions = await appendAll(topic, 'k', [0, 1, 2, 3, 4]);
        const { partition, offset } = positions[3] as Position;
        const batches: ReadBatch[] = [];
        const reader = await log.read({
          topics: [topic],
          from: (_, bounds) => (bounds.partition === partition ? offset : bounds.end),
          onBatch: (batch) => void batches.push(batch),
        });
        await vi.waitFor(() => expect(batches.at(-1)?.nextOffset).toBe(offset + 2), WAIT);
        expect(numbers(batches.flatMap((batch) => batch.events))).toEqual([3, 4]);
        expect(batches.at(-1)?.end).toBe(offset + 2);
        await appendAll(topic, 'k', [5]);
        await vi.waitFor(() => expect(batches.at(-1)?.nextOffset).toBe(offset + 3), WAIT);
        expect(numbers(batches.flatMap((batch) => batch.events))).toEqual([3, 4, 5]);
        await reader.stop();
      });

      it('is held back by a promise, in that partition only, and goes on when it resolves', async () => {
        const topic = await newTopic();
        const [slow, quick] = keysOfTwoPartitions();
        const gate = Promise.withResolvers<void>();
        const events: StoredEvent[] = [];
        const held = partitionOf(slow, PARTITIONS);
        const reader = await log.read({
          topics: [topic],
          from: (_, bounds) => bounds.end,
          onBatch: (batch) => {
            events.push(...batch.events);
            return batch.partition === held ? gate.promise : undefined;
          },
        });
        await appendAll(topic, slow, [1]);
        await vi.waitFor(() => expect(numbers(events)).toEqual([1]), WAIT);
        await appendAll(topic, slow, [2]);
        for (const n of [10, 11, 12]) await appendAll(topic, quick, [n]);
        await vi.waitFor(() => expect(numbers(events)).toEqual([1, 10, 11, 12]), WAIT);
        gate.resolve();
        await vi.waitFor(() => expect(numbers(events)).toEqual([1, 10, 11, 12, 2]), WAIT);
        await reader.stop();
      });

      it('hands over a batch again when the reader failed to take it', async () => {
        const topic = await newTopic();
        const taken: number[] = [];
        let failures = 0;
        const reader = await log.read({
          topics: [topic],
          from: (_, bounds) => bounds.end,
          onBatch: (batch) => {
            if (failures === 0) {
              failures += 1;
              throw new Error('not now');
            }
            taken.push(...numbers(batch.events));
          },
        });
        await appendAll(topic, 'k', [1, 2]);
        await vi.waitFor(() => expect(taken).toEqual([1, 2]), WAIT);
        await reader.stop();
      });

      it('finds topics that appear later', async () => {
        const topic = `contract-${randomUUID()}`;
        const { reader, events } = await collect([topic]);
        await log.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete' }]);
        await appendAll(topic, 'k', [1]);
        await vi.waitFor(() => expect(numbers(events)).toEqual([1]), WAIT);
        await reader.stop();
      });

      it('hands over nothing after it was stopped, and others still get theirs', async () => {
        const topic = await newTopic();
        const one = await collect([topic]);
        const other = await collect([topic]);
        await appendAll(topic, 'k', [1]);
        await vi.waitFor(() => expect(numbers(one.events)).toEqual([1]), WAIT);
        await one.reader.stop();
        await appendAll(topic, 'k', [2]);
        await vi.waitFor(() => expect(numbers(other.events)).toEqual([1, 2]), WAIT);
        expect(numbers(one.events)).toEqual([1]);
        await other.reader.stop();
      });

      it('is not stopped by a record that is no event: it is set aside, and the position passes it', async () => {
        const topic = await newTopic();
        await appendAll(topic, 'k', [1]);
        await harness.putForeign(topic, 'k');
        await appendAll(topic, 'k', [2]);
        const { reader, events, batches } = await collect([topic]);
        await vi.waitFor(() => expect(numbers(events)).toEqual([1, 2]), WAIT);
        const partition = partitionOf('k', PARTITIONS);
        expect(harness.setAside().filter((at) => at.topic === topic)).toEqual([
          expect.objectContaining({ partition, offset: 1 }),
        ]);
        await harness.putForeign(topic, 'k');
        await vi.waitFor(() => expect(batches.at(-1)?.nextOffset).toBe(4), WAIT);
        await reader.stop();
      });
    });

    fetchContract(() => harness);
    consumeContract(() => harness);

    describe('topics', () => {
      it('are created once, and a second wish changes nothing', async () => {
        const topic = await newTopic();
        await appendAll(topic, 'k', [1]);
        await log.ensureTopics([{ name: topic, partitions: PARTITIONS + 3, cleanup: 'compact' }]);
        const bounds = await log.bounds(topic);
        expect(bounds.map((at) => at.partition)).toEqual([0, 1, 2, 3]);
        expect(bounds[partitionOf('k', PARTITIONS)]).toMatchObject({ earliest: 0, end: 1 });
      });

      it('keep their records as long as was said last, where they exist', async () => {
        const [topic, none] = [await newTopic(), `no-${randomUUID()}`];
        const spec = (name: string) => ({ name, partitions: PARTITIONS, cleanup: 'delete' as const });
        await log.retain([topic, none].map((name) => ({ ...spec(name), retentionMs: 3_600_000 })));
        expect(await harness.retentionOf(topic)).toBe(3_600_000);
        expect(await harness.retentionOf(none)).toBeUndefined();
        await log.retain([spec(topic)]);
        expect(await harness.retentionOf(topic)).toBe(3_600_000);
      });

      it('are listed once they exist', async () => {
        const topic = await newTopic();
        const names = await log.topics();
        expect(names).toContain(topic);
        expect(names).not.toContain(`no-${randomUUID()}`);
      });

      it('that do not exist have no bounds', async () => {
        await expect(log.bounds(`no-${randomUUID()}`)).rejects.toMatchObject({ code: 'log-unavailable' });
      });
    });
  });
}

function codeOf(outcome: AppendOutcome): string {
  return 'error' in outcome ? outcome.error.code : 'appended';
}

function nameOf({ topic, partition, offset }: Position): string {
  return `${topic}/${partition}/${offset}`;
}

function keysOfTwoPartitions(): [string, string] {
  const first = 'key-0';
  for (let n = 1; ; n += 1) {
    if (partitionOf(`key-${n}`, PARTITIONS) !== partitionOf(first, PARTITIONS)) return [first, `key-${n}`];
  }
}
