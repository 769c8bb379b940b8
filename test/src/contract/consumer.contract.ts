import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import type { HandlingContext } from '@heddle/event';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { batchContract } from './consumer-batch.contract.js';
import {
  ConsumerGround,
  type ConsumerHarness,
  keysOfAllPartitions,
  keysOfOnePartition,
  labelOf,
} from './consumer-ground.js';
import { membershipContract } from './consumer-membership.contract.js';
import { WAIT } from './event-log-harness.js';

export { keptLetters } from './kept-letters.js';

const QUICK = { attempts: 3, firstMs: 20 } as const;

/** What every consumer promises; see `ConsumeOptions`. Topics and groups are new each time, for a real log is shared. */
export function consumerContract(name: string, open: () => Promise<ConsumerHarness>): void {
  describe(`the consumer contract: ${name}`, () => {
    let harness: ConsumerHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());
    handlingContract(() => harness);
    batchContract(() => harness);
    membershipContract(() => harness);
  });
}

function handlingContract(opened: () => ConsumerHarness): void {
  describe('a handler', () => {
    let harness: ConsumerHarness;
    let ground: ConsumerGround;
    beforeEach(async () => {
      harness = opened();
      ground = await ConsumerGround.open(harness);
    });
    afterEach(() => ground.close());

    it('is told which event it is, which attempt, and where the event comes from', async () => {
      const seen: HandlingContext[] = [];
      await ground.join({
        handle: (_, context) => void seen.push(context),
      });
      const traced = { traceparent: '00-1-2-01', tracestate: 'a=b', correlationid: 'c1', causationid: 'c2' };
      await harness.log.append([{ topic: ground.topic, key: 'k', event: harness.event(1, traced) }]);
      const [position] = await ground.append('k', 2);
      await vi.waitFor(() => expect(seen).toHaveLength(2), WAIT);
      expect(seen[0]).toMatchObject({
        group: ground.group,
        attempt: 1,
        key: 'k',
        traceparent: '00-1-2-01',
        tracestate: 'a=b',
        correlationId: 'c1',
        causationId: 'c2',
      });
      expect(seen[0]?.signal.aborted).toBe(false);
      expect(seen[1]).toMatchObject({ position, traceparent: undefined, correlationId: undefined });
    });

    it('gets an event again that it failed on, before the later ones of its key, and other keys meanwhile', async () => {
      const [failing = '', other = ''] = keysOfOnePartition(2);
      const handled: string[] = [];
      const attempts: number[] = [];
      const gate = Promise.withResolvers<void>();
      const consumer = await ground.join({
        retry: QUICK,
        handle: async (event, { attempt, key }) => {
          if (key === failing && attempt < 3) {
            attempts.push(attempt);
            // Fails for the last time only when the other key is through: it must not wait for this one.
            if (attempt === 2) await gate.promise;
            throw new TypeError('a bug');
          }
          handled.push(labelOf(event));
          if (handled.length === 3) gate.resolve();
        },
      });
      await ground.append(failing, 1);
      await ground.append(other, 1, 2, 3);
      await ground.append(failing, 2);
      await ground.done(consumer);
      const theirs = [1, 2, 3].map((n) => `${other}${n}`);
      expect(handled).toEqual([...theirs, `${failing}1`, `${failing}2`]);
      expect(attempts).toEqual([1, 2, 1, 2]);
      expect(consumer.status()).toMatchObject({ handled: 5, deadLettered: 0, inFlight: 0, retrying: 0 });
    });

    it('that fails on an event every time makes it a dead letter after the schedule, and goes on with its key', async () => {
      const handled: string[] = [];
      const attempts: number[] = [];
      const consumer = await ground.join({
        retry: QUICK,
        handle: (event, { attempt }) => {
          if (labelOf(event) === 'k2') {
            attempts.push(attempt);
            throw new RangeError('poison');
          }
          handled.push(labelOf(event));
        },
      });
      await ground.append('k', 1, 2, 3);
      await ground.done(consumer);
      expect(handled).toEqual(['k1', 'k3']);
      expect(attempts).toEqual([1, 2, 3]);
      expect(await harness.deadLetters(ground.group)).toMatchObject([
        { code: 'internal', reason: 'poison', error: 'RangeError', attempts: 3 },
      ]);
      expect(consumer.status()).toMatchObject({ state: 'consuming', handled: 2, deadLettered: 1 });
      expect(harness.lines(ground.group)).toEqual(['handle.retry', 'handle.retry', 'handle.dead-letter']);
    });

    it('that says that nothing can mend it makes a dead letter at once', async () => {
      const consumer = await ground.join({
        handle: () => Promise.reject(new HeddleError('conflict', 'it is closed')),
      });
      await ground.append('k', 1);
      await ground.done(consumer);
      expect(await harness.deadLetters(ground.group)).toMatchObject([
        { code: 'conflict', reason: 'it is closed', error: 'HeddleError', attempts: 1 },
      ]);
    });

    it('waits for what is down, however often, and that uses no attempt', async () => {
      let waits = 3;
      const attempts: number[] = [];
      const consumer = await ground.join({
        retry: { attempts: 1, firstMs: 0 },
        handle: (_, { attempt }) => {
          attempts.push(attempt);
          waits -= 1;
          if (waits === 2) throw new HeddleError('store-unavailable', 'not yet');
          if (waits === 1) return Promise.reject(new HeddleError('registry-unavailable', 'not yet'));
          return undefined;
        },
      });
      await ground.append('k', 1);
      await vi.waitFor(() => expect(consumer.status()).toMatchObject({ retrying: 1, handled: 0 }), WAIT);
      await ground.done(consumer);
      expect(attempts).toEqual([1, 1, 1]);
      expect(await harness.deadLetters(ground.group)).toEqual([]);
    });

    it('runs for as many keys side by side as asked, whatever partitions they are of', async () => {
      let now = 0;
      let most = 0;
      const gates: (() => void)[] = [];
      const consumer = await ground.join({
        concurrency: 3,
        handle: async () => {
          now += 1;
          most = Math.max(most, now);
          await new Promise<void>((resolve) => gates.push(resolve));
          now -= 1;
        },
      });
      const keys = [...keysOfAllPartitions(), ...keysOfOnePartition(3)];
      for (const key of keys) await ground.append(key, 1);
      for (let released = 0; released < keys.length; released += 1) {
        await vi.waitFor(() => expect(gates).toHaveLength(Math.min(released + 3, keys.length)), WAIT);
        gates[released]?.();
      }
      await ground.done(consumer);
      expect(most).toBe(3);
    });

    it('that takes too long is told so and makes the consumer stalled until it ends, and is never begun beside itself', async () => {
      let begun = 0;
      const reasons: unknown[] = [];
      const gate = Promise.withResolvers<void>();
      const consumer = await ground.join({
        handlingMs: 100,
        handle: async (_, { signal }) => {
          begun += 1;
          signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name));
          await gate.promise;
        },
      });
      await consumer.ping();
      await ground.append('k', 1);
      await vi.waitFor(() => expect(reasons).toEqual(['TimeoutError']), WAIT);
      await expect(consumer.ping()).rejects.toMatchObject({ code: 'consumer-stalled' });
      expect(consumer.status()).toMatchObject({ state: 'stalled', inFlight: 1, retrying: 0 });
      expect(harness.lines(ground.group)).toEqual(['handle.overdue']);
      gate.resolve();
      await ground.done(consumer);
      await consumer.ping();
      expect(begun).toBe(1);
      expect(consumer.status()).toMatchObject({ state: 'consuming', handled: 1 });
    });

    it('may take longer when it says so in time', async () => {
      let wasAborted: boolean | undefined;
      const consumer = await ground.join({
        handlingMs: 300,
        handle: async (_, context) => {
          for (let step = 0; step < 10; step += 1) {
            context.renew(300);
            await delay(100);
          }
          wasAborted = context.signal.aborted;
        },
      });
      await ground.append('k', 1);
      await ground.done(consumer);
      expect(wasAborted).toBe(false);
      expect(harness.lines(ground.group)).toEqual([]);
    });

    it('decides which events it wants; the others are acknowledged, counted and told of', async () => {
      const handled: string[] = [];
      const unhandled: string[] = [];
      const consumer = await ground.join({
        wants: (event) => !labelOf(event).endsWith('2'),
        handle: (event) => void handled.push(labelOf(event)),
        onUnhandled: (event) => {
          unhandled.push(labelOf(event));
          throw new Error('whoever counts must not stop anything');
        },
      });
      await ground.append('k', 1, 2, 3);
      await ground.done(consumer);
      expect(handled).toEqual(['k1', 'k3']);
      expect(unhandled).toEqual(['k2']);
      expect(consumer.status()).toMatchObject({ handled: 2, unhandled: 1 });
    });
  });
}
