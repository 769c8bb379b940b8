import { randomUUID } from 'node:crypto';
import { HeddleError } from '@heddle/event';
import type { Append, EventLog } from '@heddle/event';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WAIT, appendAllTo, newTopicOf, numbers, type EventLogHarness } from './event-log-harness.js';

/** The part of the event log's contract that is about groups; called by `eventLogContract`. */
export function consumeContract(opened: () => EventLogHarness): void {
  describe('consume', () => {
    let harness: EventLogHarness;
    let log: EventLog;
    beforeAll(() => {
      harness = opened();
      log = harness.log;
    });
    const newTopic = (): Promise<string> => newTopicOf(harness);
    const append = (topic: string, key: string, n: number): Append => ({ topic, key, event: harness.event(n) });
    const appendAll = (topic: string, key: string, ns: readonly number[]) => appendAllTo(harness, topic, key, ns);

    it('gives each event to one member of a group, and goes on after the last acknowledged', async () => {
      const topic = await newTopic();
      const group = `group-${randomUUID()}`;
      const handled: number[] = [];
      const member = () =>
        log.consume({
          group,
          topics: [topic],
          from: 'earliest',
          handle: (event) => {
            handled.push(...numbers([event]));
            return Promise.resolve();
          },
        });
      await appendAll(topic, 'a', [1, 2]);
      await appendAll(topic, 'b', [3]);
      const first = await member();
      await vi.waitFor(() => expect(handled.toSorted()).toEqual([1, 2, 3]), WAIT);
      await first.stop();
      await appendAll(topic, 'a', [4]);
      const second = await member();
      await vi.waitFor(() => expect(handled.toSorted()).toEqual([1, 2, 3, 4]), WAIT);
      await second.stop();
    });

    it('handles the events of a key one after another, and other keys beside them', async () => {
      const topic = await newTopic();
      const gate = Promise.withResolvers<void>();
      const begun: string[] = [];
      const consumer = await log.consume({
        group: `group-${randomUUID()}`,
        topics: [topic],
        from: 'earliest',
        handle: async (event) => {
          begun.push(`${event.key}${numbers([event])[0]}`);
          if (event.key === 'slow') await gate.promise;
        },
      });
      await appendAll(topic, 'slow', [1, 2]);
      await appendAll(topic, 'quick', [1, 2, 3]);
      await vi.waitFor(() => expect(begun.toSorted()).toEqual(['quick1', 'quick2', 'quick3', 'slow1']), WAIT);
      gate.resolve();
      await vi.waitFor(() => expect(begun).toContain('slow2'), WAIT);
      await consumer.stop();
    });

    it('tries again what may succeed later, holding back only that key', async () => {
      const topic = await newTopic();
      const handled: string[] = [];
      let failures = 3;
      const consumer = await log.consume({
        group: `group-${randomUUID()}`,
        topics: [topic],
        from: 'earliest',
        handle: (event) => {
          if (event.key === 'late' && failures > 0) {
            failures -= 1;
            return Promise.reject(new HeddleError('store-unavailable', 'not yet'));
          }
          handled.push(`${event.key}${numbers([event])[0]}`);
          return Promise.resolve();
        },
      });
      await appendAll(topic, 'late', [1, 2]);
      await appendAll(topic, 'other', [1]);
      await vi.waitFor(() => expect(handled).toHaveLength(3), WAIT);
      expect(handled).toEqual(['other1', 'late1', 'late2']);
      expect(failures).toBe(0);
      await consumer.stop();
    });

    it('makes a dead letter of what can never succeed, and goes on with the key', async () => {
      const topic = await newTopic();
      const group = `group-${randomUUID()}`;
      const handled: number[] = [];
      const consumer = await log.consume({
        group,
        topics: [topic],
        from: 'earliest',
        retry: { attempts: 2, firstMs: 10 },
        handle: (event) => {
          const [n] = numbers([event]);
          if (n === 1) return Promise.reject(new HeddleError('data-invalid', 'no such thing'));
          if (n === 2) return Promise.reject(new TypeError('a bug'));
          handled.push(n ?? 0);
          return Promise.resolve();
        },
      });
      const sent = [append(topic, 'k', 1), append(topic, 'k', 2), append(topic, 'k', 3)];
      await log.append(sent);
      await vi.waitFor(() => expect(handled).toEqual([3]), WAIT);
      await consumer.stop();
      expect(await harness.deadLetters(group)).toEqual([
        {
          id: sent[0]?.event.attributes.id,
          code: 'data-invalid',
          reason: 'no such thing',
          error: 'HeddleError',
          attempts: 1,
        },
        { id: sent[1]?.event.attributes.id, code: 'internal', reason: 'a bug', error: 'TypeError', attempts: 2 },
      ]);
    });

    it('gives an event again that was not acknowledged when its member stopped, and the later ones of its key', async () => {
      const topic = await newTopic();
      const group = `group-${randomUUID()}`;
      const begun: string[] = [];
      const stuck = await log.consume({
        group,
        topics: [topic],
        from: 'earliest',
        handle: async (event) => {
          begun.push(`${event.key}${numbers([event])[0]}`);
          if (event.key === 'stuck') await new Promise<void>(() => undefined);
        },
      });
      await appendAll(topic, 'stuck', [1, 2]);
      await appendAll(topic, 'fine', [1]);
      await vi.waitFor(() => expect(begun.toSorted()).toEqual(['fine1', 'stuck1']), WAIT);
      await stuck.stop();
      const handled: string[] = [];
      const next = await log.consume({
        group,
        topics: [topic],
        from: 'latest',
        handle: (event) => {
          handled.push(`${event.key}${numbers([event])[0]}`);
          return Promise.resolve();
        },
      });
      await vi.waitFor(() => expect(handled).toEqual(expect.arrayContaining(['stuck1', 'stuck2'])), WAIT);
      expect(handled.filter((event) => event.startsWith('stuck'))).toEqual(['stuck1', 'stuck2']);
      await next.stop();
    });

    it('begins a new group at the end when it is told so, and misses nothing appended from then on', async () => {
      const topic = await newTopic();
      await appendAll(topic, 'k', [1]);
      const handled: number[] = [];
      const consumer = await log.consume({
        group: `group-${randomUUID()}`,
        topics: [topic],
        from: 'latest',
        handle: (event) => {
          handled.push(...numbers([event]));
          return Promise.resolve();
        },
      });
      await appendAll(topic, 'k', [2, 3]);
      await vi.waitFor(() => expect(handled).toEqual([2, 3]), WAIT);
      await consumer.stop();
    });

    it('is not stopped by a record that is no event', async () => {
      const topic = await newTopic();
      await harness.putForeign(topic, 'k');
      await appendAll(topic, 'k', [1]);
      const handled: number[] = [];
      const consumer = await log.consume({
        group: `group-${randomUUID()}`,
        topics: [topic],
        from: 'earliest',
        handle: (event) => {
          handled.push(...numbers([event]));
          return Promise.resolve();
        },
      });
      await vi.waitFor(() => expect(handled).toEqual([1]), WAIT);
      await consumer.stop();
    });
  });
}
