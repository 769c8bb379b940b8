import { HeddleError } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConsumerGround,
  type ConsumerHarness,
  keysOfAllPartitions,
  keysOfOnePartition,
  labelOf,
} from './consumer-ground.js';
import { WAIT } from './event-log-harness.js';

/** The part of the consumer's contract that is about batches; called by `consumerContract`. */
export function batchContract(opened: () => ConsumerHarness): void {
  describe('a handler of batches', () => {
    let harness: ConsumerHarness;
    let ground: ConsumerGround;
    beforeEach(async () => {
      harness = opened();
      ground = await ConsumerGround.open(harness);
    });
    afterEach(() => ground.close());
    const labels = (events: readonly StoredEvent[]): string[] => events.map(labelOf);

    it('gets events of one partition in the order of the log, no more than it asked for', async () => {
      const keys = keysOfAllPartitions();
      for (let n = 1; n <= 30; n += 1) for (const key of keys) await ground.append(key, n);
      const batches: StoredEvent[][] = [];
      const consumer = await ground.join({
        batches: [
          {
            max: 8,
            handle: (events, { partition, attempt }) => {
              expect(attempt).toBe(1);
              expect(events.every((event) => event.partition === partition)).toBe(true);
              batches.push([...events]);
            },
          },
        ],
      });
      await ground.done(consumer);
      expect(Math.max(...batches.map((events) => events.length))).toBe(8);
      for (const key of keys) {
        const offsets = batches.flat().filter((event) => event.key === key);
        expect(labels(offsets)).toEqual(Array.from({ length: 30 }, (_, n) => `${key}${n + 1}`));
      }
      expect(consumer.status()).toMatchObject({ handled: 30 * keys.length, inFlight: 0 });
    });

    it('gets what came within its time when that is less', async () => {
      const batches: string[][] = [];
      const consumer = await ground.join({
        batches: [{ max: 500, waitMs: 10, handle: async (events) => void batches.push(labels(events)) }],
      });
      await ground.append('k', 1, 2, 3);
      await ground.done(consumer);
      await ground.append('k', 4);
      await ground.done(consumer);
      expect(batches.flat()).toEqual(['k1', 'k2', 'k3', 'k4']);
      expect(batches.length).toBeLessThan(4);
    });

    it('gets the same batch again when it failed, then its events alone, so that only the poison is a dead letter', async () => {
      await ground.append('k', 1, 2, 3, 4);
      const tried: string[] = [];
      const consumer = await ground.join({
        retry: { attempts: 3, firstMs: 10 },
        batches: [
          {
            waitMs: 50,
            handle: async (events, { attempt }) => {
              tried.push(`${attempt}: ${labels(events).join(' ')}`);
              if (labels(events).includes('k2')) throw new RangeError('poison');
            },
          },
        ],
      });
      await ground.done(consumer);
      expect(tried).toEqual(['1: k1 k2 k3 k4', '2: k1 k2 k3 k4', '3: k1', '3: k2', '3: k3', '3: k4']);
      expect(await harness.deadLetters(ground.group)).toMatchObject([
        { reason: 'poison', error: 'RangeError', attempts: 3 },
      ]);
      expect(consumer.status()).toMatchObject({ handled: 3, deadLettered: 1, retrying: 0 });
    });

    it('that can never do it gets its events alone at once', async () => {
      await ground.append('k', 1, 2);
      const tried: string[] = [];
      const consumer = await ground.join({
        batches: [
          {
            waitMs: 50,
            handle: (events) => {
              tried.push(labels(events).join(' '));
              if (labels(events).includes('k1')) throw new HeddleError('conflict', 'no');
            },
          },
        ],
      });
      await ground.done(consumer);
      expect(tried).toEqual(['k1 k2', 'k1', 'k2']);
      expect(await harness.deadLetters(ground.group)).toMatchObject([{ code: 'conflict', attempts: 1 }]);
    });

    it('goes on with other keys while a batch waits, and with the keys of that batch only after it', async () => {
      const [failing = '', other = ''] = keysOfOnePartition(2);
      const handled: string[] = [];
      let isDown = true;
      const consumer = await ground.join({
        batches: [
          {
            waitMs: 5,
            handle: async (events) => {
              if (isDown && events.some(({ key }) => key === failing))
                throw new HeddleError('store-unavailable', 'down');
              handled.push(...labels(events));
            },
          },
        ],
      });
      await ground.append(failing, 1);
      await vi.waitFor(() => expect(consumer.status().retrying).toBe(1), WAIT);
      await ground.append(failing, 2);
      await ground.append(other, 1, 2);
      await vi.waitFor(() => expect(handled).toEqual([`${other}1`, `${other}2`]), WAIT);
      isDown = false;
      await ground.done(consumer);
      expect(handled).toEqual([`${other}1`, `${other}2`, `${failing}1`, `${failing}2`]);
    });

    it('keeps the order of a key with events that come one by one', async () => {
      const isEven = (event: StoredEvent): boolean => (event.data as { n: number }).n % 2 === 0;
      const handled: string[] = [];
      const consumer = await ground.join({
        handle: async (event) => void handled.push(labelOf(event)),
        batches: [{ waitMs: 1, wants: isEven, handle: (events) => void handled.push(...labels(events)) }],
      });
      for (const key of ['a', 'b']) await ground.append(key, 1, 2, 4, 5, 6, 7, 9);
      await ground.done(consumer);
      for (const key of ['a', 'b']) {
        const own = handled.filter((label) => label.startsWith(key));
        expect(own).toEqual([1, 2, 4, 5, 6, 7, 9].map((n) => `${key}${n}`));
      }
    });

    it('is waited for when the consumer stops, and what it had not done comes again', async () => {
      await ground.append('k', 1, 2, 3);
      const gate = Promise.withResolvers<void>();
      const done: string[] = [];
      const first = await ground.join({
        batches: [
          {
            max: 2,
            handle: async (events) => {
              await gate.promise;
              done.push(...labels(events));
            },
          },
        ],
      });
      await vi.waitFor(() => expect(first.status().inFlight).toBe(2), WAIT);
      const stopped = first.stop();
      gate.resolve();
      await stopped;
      expect(done).toEqual(['k1', 'k2']);
      const second = await ground.join({ handle: (event) => void done.push(labelOf(event)) });
      await ground.done(second);
      expect(done).toEqual(['k1', 'k2', 'k3']);
    });
  });
}
