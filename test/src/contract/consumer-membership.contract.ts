import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsumerGround, type ConsumerHarness, keysOfAllPartitions, labelOf } from './consumer-ground.js';
import { PARTITIONS, WAIT } from './event-log-harness.js';

/** The part of the consumer's contract that is about members that come and go; called by `consumerContract`. */
export function membershipContract(opened: () => ConsumerHarness): void {
  describe('a member', () => {
    let ground: ConsumerGround;
    beforeEach(async () => {
      ground = await ConsumerGround.open(opened());
    });
    afterEach(() => ground.close());

    it('says what it is doing, and is stopped when it has been', async () => {
      const consumer = await ground.join({ handle: () => undefined });
      await consumer.ping();
      await ground.append('k', 1, 2);
      await ground.done(consumer);
      const status = consumer.status();
      expect(status).toMatchObject({ state: 'consuming', inFlight: 0, handled: 2, unhandled: 0 });
      expect(status.since).toBeLessThanOrEqual(Date.now());
      expect(status.partitions).toHaveLength(PARTITIONS);
      expect(status.partitions.every(({ topic, lag }) => topic === ground.topic && lag === 0)).toBe(true);
      await consumer.stop();
      expect(consumer.status().state).toBe('stopped');
      await consumer.ping();
    });

    it('that stops begins nothing more, finishes what it is at, and leaves the rest to the next', async () => {
      const begun: string[] = [];
      const ended: string[] = [];
      const gate = Promise.withResolvers<void>();
      const first = await ground.join({
        concurrency: 2,
        handle: async (event, { signal }) => {
          begun.push(labelOf(event));
          await gate.promise;
          expect(signal.aborted).toBe(false);
          ended.push(labelOf(event));
        },
      });
      await ground.append('a', 1, 2);
      await ground.append('b', 1, 2);
      await ground.append('c', 1);
      await vi.waitFor(() => expect(begun).toHaveLength(2), WAIT);
      const stopped = first.stop();
      gate.resolve();
      await stopped;
      expect(ended.toSorted()).toEqual(begun.toSorted());
      expect(ended).toHaveLength(2);
      const rest: string[] = [];
      const second = await ground.join({ handle: (event) => void rest.push(labelOf(event)) });
      await ground.done(second);
      // What was done beyond something that was not comes once more; nothing is left out.
      expect(new Set([...ended, ...rest])).toEqual(new Set(['a1', 'a2', 'b1', 'b2', 'c1']));
    });

    it('that has waited long enough when it stops tells its handlers, and what they were at comes again', async () => {
      const reasons: string[] = [];
      const first = await ground.join({
        handle: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push((signal.reason as Error).name);
              reject(signal.reason as Error);
            });
          }),
      });
      await ground.append('k', 1, 2);
      await vi.waitFor(() => expect(first.status().inFlight).toBe(1), WAIT);
      await first.stop();
      expect(reasons).toEqual(['AbortError']);
      const handled: string[] = [];
      const second = await ground.join({
        handle: (event, { attempt }) => void handled.push(`${labelOf(event)} ${attempt}`),
      });
      await ground.done(second);
      expect(handled).toEqual(['k1 1', 'k2 1']);
      expect(second.status().deadLettered).toBe(0);
    });

    it('that loses partitions to another tells their handlers, and leaves the others alone', async () => {
      const aborted: string[] = [];
      const gate = Promise.withResolvers<void>();
      const join = (name: string): Promise<Consumer> =>
        ground.join({
          handle: async (event, { signal }) => {
            signal.addEventListener('abort', () => aborted.push(`${name} ${event.partition}`));
            await gate.promise;
          },
        });
      const first = await join('first');
      for (const key of keysOfAllPartitions()) await ground.append(key, 1);
      await vi.waitFor(() => expect(first.status().inFlight).toBe(PARTITIONS), WAIT);
      const second = await join('second');
      await vi.waitFor(() => expect(second.status().partitions).toHaveLength(PARTITIONS / 2), WAIT);
      const lost = second.status().partitions.map(({ partition }) => `first ${partition}`);
      await vi.waitFor(() => expect(aborted.toSorted()).toEqual(lost.toSorted()), WAIT);
      gate.resolve();
      await ground.done(first, second);
      expect(aborted).toHaveLength(PARTITIONS / 2);
    });

    it('or several may come and go: nothing is lost, and each key is first handled in order', async () => {
      const keys = keysOfAllPartitions().flatMap((key) => [`${key}1`, `${key}2`]);
      const order = new Map<string, number[]>();
      let failures = 0;
      const join = (): Promise<Consumer> =>
        ground.join({
          retry: { attempts: 5, firstMs: 5 },
          handle: async (event, { attempt, signal }) => {
            await delay(2);
            const { n } = event.data as { n: number };
            if (n % 7 === 3 && attempt === 1) {
              failures += 1;
              throw new Error('not this time');
            }
            // What is no longer its own is another's, and not acknowledged here.
            signal.throwIfAborted();
            const seen = order.get(event.key) ?? [];
            if (!seen.includes(n)) seen.push(n);
            order.set(event.key, seen);
          },
        });
      let appended = 0;
      const appendSome = async (): Promise<void> => {
        const ns = Array.from({ length: 10 }, () => (appended += 1));
        for (const key of keys) await ground.append(key, ...ns);
      };
      const members = [await join()];
      await appendSome();
      members.push(await join());
      await appendSome();
      members.push(await join());
      await appendSome();
      await members.shift()?.stop();
      await appendSome();
      members.push(await join());
      await appendSome();
      await members.shift()?.stop();
      await appendSome();
      await ground.done(...members);
      const expected = Array.from({ length: appended }, (_, index) => index + 1);
      for (const key of keys) expect(order.get(key), key).toEqual(expected);
      expect(failures).toBeGreaterThanOrEqual(keys.length);
    });
  });
}
