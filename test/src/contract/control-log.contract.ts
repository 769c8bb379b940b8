import { randomUUID } from 'node:crypto';
import type { ControlLog, ControlPut, ControlRecord } from '@heddle/event';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const PARTITIONS = 3;
const WAIT = { timeout: 10_000, interval: 5 };

/** What every control log promises; see `ControlLog`. Topics are new each time, for a real log is shared. */
export function controlLogContract(
  name: string,
  open: () => Promise<{ log: ControlLog; close(): Promise<void> }>,
): void {
  describe(`the control log contract: ${name}`, () => {
    let log: ControlLog;
    let close: () => Promise<void>;
    beforeAll(async () => ({ log, close } = await open()));
    afterAll(() => close());

    const newTopic = async (): Promise<string> => {
      const topic = `control-${randomUUID()}`;
      await log.ensureTopics([{ name: topic, partitions: PARTITIONS, cleanup: 'compact', segmentBytes: 1024 * 1024 }]);
      return topic;
    };
    const load = async (topic: string, partitions: readonly number[]): Promise<ControlRecord[]> => {
      const records: ControlRecord[] = [];
      await log.load(topic, partitions, (record) => records.push(record));
      return records;
    };

    it('gives back the last value of each key, in order, and where it stands', async () => {
      const topic = await newTopic();
      const offsets = await log.put(topic, [
        { partition: 1, key: 'a', value: { n: 1 } },
        { partition: 1, key: 'b', value: ['x', null, 2.5] },
        { partition: 1, key: 'a', value: { n: 2, text: 'ünïcode' } },
      ]);
      expect(offsets).toEqual([0, 1, 2]);
      const records = await load(topic, [1]);
      expect(records.map(({ offset }) => offset)).toEqual(records.map(({ offset }) => offset).toSorted());
      expect(lastOfEach(records)).toEqual({ a: { n: 2, text: 'ünïcode' }, b: ['x', null, 2.5] });
      expect(records.at(-1)).toEqual({ key: 'a', value: { n: 2, text: 'ünïcode' }, partition: 1, offset: 2 });
    });

    it('loads the partitions asked for and no other', async () => {
      const topic = await newTopic();
      await log.put(
        topic,
        [0, 1, 2].map((partition): ControlPut => ({ partition, key: `k${partition}`, value: partition })),
      );
      expect(lastOfEach(await load(topic, [0, 2]))).toEqual({ k0: 0, k2: 2 });
      expect(lastOfEach(await load(topic, [1]))).toEqual({ k1: 1 });
      expect(await load(topic, [])).toEqual([]);
    });

    it('forgets a key that was deleted', async () => {
      const topic = await newTopic();
      await log.put(topic, [
        { partition: 0, key: 'stays', value: 1 },
        { partition: 0, key: 'goes', value: 1 },
      ]);
      await log.put(topic, [{ partition: 0, key: 'goes', value: null }]);
      const records = await load(topic, [0]);
      expect(lastOfEach(records)).toEqual({ stays: 1 });
    });

    it('keeps the order of puts that were made one after another without waiting', async () => {
      const topic = await newTopic();
      const puts = Array.from({ length: 200 }, (_, n) => log.put(topic, [{ partition: 2, key: 'counter', value: n }]));
      const offsets = (await Promise.all(puts)).flat();
      expect(offsets).toEqual(Array.from({ length: 200 }, (_, n) => n));
      expect((await load(topic, [2])).at(-1)).toEqual({ key: 'counter', value: 199, partition: 2, offset: 199 });
    });

    describe('follow', () => {
      const follow = async (topic: string, own: (record: ControlRecord) => void = () => undefined) => {
        const records: ControlRecord[] = [];
        const follower = await log.follow(topic, (record) => {
          records.push(record);
          own(record);
        });
        return { follower, records };
      };
      const put = (topic: string, partition: number, values: readonly number[]): Promise<number[]> =>
        log.put(
          topic,
          values.map((value) => ({ partition, key: `k${value % 2}`, value })),
        );

      it('has applied all there was when it resolves, and goes on with what comes, each record once and in order', async () => {
        const topic = await newTopic();
        const before = [await put(topic, 0, [1, 2]), await put(topic, 2, [3])].flat();
        const { follower, records } = await follow(topic);
        expect(records.map(({ value }) => value).toSorted()).toEqual([1, 2, 3]);
        expect(before).toEqual([0, 1, 0]);
        for (let n = 10; n < 40; n += 1) {
          const offsets = await put(topic, n % PARTITIONS, [n, n + 100]);
          if (n >= 37) await follower.reached(n % PARTITIONS, offsets.at(-1) ?? 0);
        }
        const valuesOf = (partition: number): unknown[] =>
          records.filter((record) => record.partition === partition).map(({ value }) => value);
        const put10 = (first: number): number[] =>
          Array.from({ length: 10 }, (_, n) => [first + 3 * n, first + 3 * n + 100]).flat();
        expect(valuesOf(0)).toEqual([1, 2, ...put10(12)]);
        expect(valuesOf(1)).toEqual(put10(10));
        expect(valuesOf(2)).toEqual([3, ...put10(11)]);
        await follower.stop();
      });

      it('tells of deletions', async () => {
        const topic = await newTopic();
        const { follower, records } = await follow(topic);
        await put(topic, 1, [1]);
        const [offset] = await log.put(topic, [{ partition: 1, key: 'k1', value: null }]);
        await follower.reached(1, offset ?? 0);
        expect(records.at(-1)).toEqual({ key: 'k1', value: null, partition: 1, offset: 1 });
        await follower.stop();
      });

      it('says when a record has been applied, whoever put it', async () => {
        const topic = await newTopic();
        const { follower, records } = await follow(topic);
        const ahead = follower.reached(0, 1);
        await put(topic, 0, [1]);
        await put(topic, 0, [2]);
        await ahead;
        expect(records.map(({ value }) => value)).toEqual([1, 2]);
        // What lies behind is answered at once.
        await follower.reached(0, 0);
        await follower.stop();
      });

      it('goes on after an apply that threw', async () => {
        const topic = await newTopic();
        const { follower, records } = await follow(topic, ({ value }) => {
          if (value === 1) throw new Error('not this one');
        });
        await put(topic, 0, [1, 2]);
        await put(topic, 0, [3]);
        await vi.waitFor(() => expect(records.map(({ value }) => value)).toEqual([1, 2, 3]), WAIT);
        await follower.stop();
      });

      it('applies nothing after it was stopped, and others still follow', async () => {
        const topic = await newTopic();
        const one = await follow(topic);
        const other = await follow(topic);
        await one.follower.stop();
        const [offset] = await put(topic, 0, [1]);
        await other.follower.reached(0, offset ?? 0);
        expect(other.records).toHaveLength(1);
        expect(one.records).toEqual([]);
        await other.follower.stop();
      });

      it('refuses a topic that does not exist', async () => {
        await expect(follow(`no-${randomUUID()}`)).rejects.toMatchObject({ code: 'log-unavailable' });
      });
    });

    it('loads an empty partition at once', async () => {
      expect(await load(await newTopic(), [0, 1, 2])).toEqual([]);
    });

    it('refuses a topic that does not exist', async () => {
      const topic = `no-${randomUUID()}`;
      await expect(log.put(topic, [{ partition: 0, key: 'k', value: 1 }])).rejects.toMatchObject({
        code: 'log-unavailable',
      });
      await expect(load(topic, [0])).rejects.toMatchObject({ code: 'log-unavailable' });
    });
  });
}

function lastOfEach(records: readonly ControlRecord[]): Record<string, unknown> {
  const state = new Map<string, unknown>();
  for (const { key, value } of records) {
    if (value === null) state.delete(key);
    else state.set(key, value);
  }
  return Object.fromEntries(state);
}
