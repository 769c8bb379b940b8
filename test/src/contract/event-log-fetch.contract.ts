import { randomUUID } from 'node:crypto';
import { partitionOf } from '@heddle/event';
import type { EventLog, FetchedBatch, Position } from '@heddle/event';
import { beforeAll, describe, expect, it } from 'vitest';
import { PARTITIONS, appendAllTo, newTopicOf, numbers, type EventLogHarness } from './event-log-harness.js';

/** The part of the event log's contract that is about single fetches; called by `eventLogContract`. */
export function fetchContract(opened: () => EventLogHarness): void {
  describe('fetch', () => {
    let harness: EventLogHarness;
    let log: EventLog;
    beforeAll(() => {
      harness = opened();
      log = harness.log;
    });
    const newTopic = (): Promise<string> => newTopicOf(harness);
    const appendAll = (topic: string, key: string, ns: readonly number[]) => appendAllTo(harness, topic, key, ns);
    /** Everything from an offset to the end, fetch by fetch. */
    const fetchAll = async (at: Position, maxBytes?: number): Promise<FetchedBatch[]> => {
      const batches: FetchedBatch[] = [];
      for (let { offset } = at; ;) {
        const batch = await log.fetch({ ...at, offset }, maxBytes === undefined ? {} : { maxBytes });
        batches.push(batch);
        if (batch.nextOffset >= batch.end) return batches;
        expect(batch.nextOffset).toBeGreaterThan(offset);
        offset = batch.nextOffset;
      }
    };

    it('gives the events from an offset on, as readers get them, and where to go on', async () => {
      const topic = await newTopic();
      const notes = { 'heddle-reason': 'ünreachable' };
      const event = harness.event(0);
      await log.append([{ topic, key: 'k', event, notes }]);
      const partition = partitionOf('k', PARTITIONS);
      await appendAll(topic, 'k', [1, 2, 3]);
      const whole = await log.fetch({ topic, partition, offset: 0 });
      expect(whole).toMatchObject({ topic, partition, from: 0, nextOffset: 4, end: 4 });
      expect(numbers(whole.events)).toEqual([0, 1, 2, 3]);
      expect(whole.events[0]).toMatchObject({
        topic,
        partition,
        offset: 0,
        key: 'k',
        attributes: event.attributes,
        notes,
      });
      expect(Buffer.from(whole.events[0]?.value ?? []).equals(event.value)).toBe(true);
      const rest = await log.fetch({ topic, partition, offset: 2 });
      expect(rest).toMatchObject({ from: 2, nextOffset: 4 });
      expect(numbers(rest.events)).toEqual([2, 3]);
    });

    it('answers at once at the end, and finds there what comes later', async () => {
      const topic = await newTopic();
      const [first] = (await appendAll(topic, 'k', [1])) as [Position];
      const at = { ...first, offset: 1 };
      const took: number[] = [];
      for (let tries = 0; tries < 5; tries += 1) {
        const began = performance.now();
        const { events, from, nextOffset, end } = await log.fetch(at);
        took.push(performance.now() - began);
        expect({ events, from, nextOffset, end }).toEqual({ events: [], from: 1, nextOffset: 1, end: 1 });
      }
      // One that waited for what may come would wait each time; a busy machine does not hold up each.
      expect(Math.min(...took)).toBeLessThan(200);
      await appendAll(topic, 'k', [2]);
      expect(numbers((await log.fetch(at)).events)).toEqual([2]);
    });

    it('brings about as many bytes as it is asked for, but always one event', async () => {
      const topic = await newTopic();
      const ns = Array.from({ length: 20 }, (_, n) => n);
      const [first] = (await appendAll(topic, 'k', ns)) as [Position];
      const one = await log.fetch(first, { maxBytes: 1 });
      expect(numbers(one.events)).toEqual([0]);
      expect(one).toMatchObject({ nextOffset: 1, end: 20 });
      const size = one.events[0]?.value.length ?? 0;
      const batches = await fetchAll(first, size * 7);
      expect(batches.map(({ events }) => events.length)).toEqual([7, 7, 6]);
      expect(numbers(batches.flatMap(({ events }) => events))).toEqual(ns);
    });

    it('begins at the start of the log when asked for an offset that the log does not have', async () => {
      const topic = await newTopic();
      const [first] = (await appendAll(topic, 'k', [1, 2])) as [Position];
      for (const offset of [-5, 3, 1000]) {
        const batch = await log.fetch({ ...first, offset });
        expect(batch).toMatchObject({ from: 0, nextOffset: 2, end: 2 });
        expect(numbers(batch.events)).toEqual([1, 2]);
      }
    });

    it('passes over what is no event, and sets it aside', async () => {
      const topic = await newTopic();
      const [first] = (await appendAll(topic, 'k', [1])) as [Position];
      await harness.putForeign(topic, 'k');
      const behind = await log.fetch({ ...first, offset: 1 });
      expect(behind).toMatchObject({ events: [], from: 1, nextOffset: 2, end: 2 });
      await appendAll(topic, 'k', [2]);
      expect(numbers((await fetchAll(first)).flatMap(({ events }) => events))).toEqual([1, 2]);
      expect(harness.setAside().filter((at) => at.topic === topic)).toContainEqual(
        expect.objectContaining({ partition: first.partition, offset: 1 }),
      );
    });

    it('serves many callers at once', async () => {
      const topic = await newTopic();
      const ns = Array.from({ length: 60 }, (_, n) => n);
      const [first] = (await appendAll(topic, 'k', ns)) as [Position];
      const fetched = await Promise.all(ns.map((offset) => log.fetch({ ...first, offset }, { maxBytes: 1 })));
      expect(fetched.map(({ events }) => numbers(events))).toEqual(ns.map((n) => [n]));
    });

    it('refuses a topic or a partition that does not exist', async () => {
      const topic = await newTopic();
      const code = 'log-unavailable';
      await expect(log.fetch({ topic: `no-${randomUUID()}`, partition: 0, offset: 0 })).rejects.toMatchObject({ code });
      await expect(log.fetch({ topic, partition: PARTITIONS, offset: 0 })).rejects.toMatchObject({ code });
    });

    it('finds the offsets of a time: the first at or after it, or the end', async () => {
      const topic = await newTopic();
      const [key, other] = ['k', keyElsewhere('k')];
      await appendAll(topic, other, [0]);
      const [first] = (await appendAll(topic, key, [1])) as [Position];
      const { partition } = first;
      const appendedAt = (await log.fetch(first)).events[0]?.appendedAt ?? 0;
      // The clock of the log counts milliseconds.
      while (Date.now() <= appendedAt) await new Promise((resolve) => setTimeout(resolve, 1));
      await appendAll(topic, key, [2]);
      const ends = Array.from({ length: PARTITIONS }, () => 0);
      ends[partition] = 2;
      ends[partitionOf(other, PARTITIONS)] = 1;
      expect(await log.offsetsAt(topic, 0)).toEqual(ends.map(() => 0));
      expect((await log.offsetsAt(topic, appendedAt))[partition]).toBe(0);
      expect((await log.offsetsAt(topic, appendedAt + 0.5))[partition]).toBe(1);
      expect(await log.offsetsAt(topic, Date.now() + 60_000)).toEqual(ends);
      await expect(log.offsetsAt(`no-${randomUUID()}`, 0)).rejects.toMatchObject({ code: 'log-unavailable' });
    });
  });
}

function keyElsewhere(key: string): string {
  for (let n = 0; ; n += 1) {
    if (partitionOf(`other-${n}`, PARTITIONS) !== partitionOf(key, PARTITIONS)) return `other-${n}`;
  }
}
