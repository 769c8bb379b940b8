import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { ConsumeOptions } from './consume.js';
import { ConsumerWork } from './consumer-work.js';
import { HeddleError } from './errors.js';
import type { KeyWork } from './key-work.js';
import type { StoredEvent } from './stored-event.js';

/** What becomes of an event, attempt by attempt; after the last of them it succeeds. */
type Fate = readonly ('at-once' | 'later' | 'throws' | 'rejects' | 'waits' | 'permanent')[];

function event(offset: number, key: string): StoredEvent {
  const attributes = { id: String(offset), source: '/t', type: 'a.b' };
  return { topic: 't', partition: 0, offset, key, appendedAt: 0, attributes, value: new Uint8Array(), data: {} };
}

/** A consumer's work whose events have fates, and what came of them. */
class Trial {
  readonly done: StoredEvent[] = [];
  readonly dead: StoredEvent[] = [];
  readonly broken: string[] = [];
  most = 0;
  readonly work: KeyWork;
  readonly consumer: ConsumerWork;
  readonly #fates = new Map<number, Fate>();
  readonly #tries = new Map<number, number>();
  readonly #busy = new Set<string>();
  #now = 0;

  constructor(options: Partial<ConsumeOptions> = {}) {
    this.consumer = new ConsumerWork(
      {
        group: 'g',
        topics: ['t'],
        from: 'earliest',
        handle: (one) => this.#handle([one]),
        retry: { attempts: 3, firstMs: 0 },
        ...options,
      },
      {
        deadLetter: async ({ event: one }) => {
          await turn();
          this.dead.push(one);
          return true;
        },
        log: () => undefined,
        firstWaitMs: 0,
      },
    );
    this.work = this.consumer.begin('t', 0, 0);
  }

  /** A consumer that gets its events in batches, every other one. */
  static inBatches(): Trial {
    const trial: Trial = new Trial({
      batches: [
        {
          max: 4,
          waitMs: 0,
          wants: ({ offset }) => offset % 3 !== 0,
          handle: (events) => trial.#handle(events),
        },
      ],
    });
    return trial;
  }

  async run(events: readonly { key: string; fate: Fate }[]): Promise<void> {
    const stored = events.map(({ key, fate }, offset) => {
      this.#fates.set(offset, fate);
      return event(offset, key);
    });
    for (let at = 0; at < stored.length; at += 7) {
      await this.work.add(stored.slice(at, at + 7), Math.min(at + 7, stored.length));
    }
    await vi.waitFor(() => expect(this.work.doneTo).toBe(stored.length), { timeout: 10_000, interval: 1 });
  }

  #handle(events: readonly StoredEvent[]): Promise<void> | void {
    // A handler's own failure would be handled: what must not be is noted.
    for (const { key, offset } of events) {
      if (this.work.doneTo > offset) this.broken.push(`${offset} was passed before it was done`);
      if (this.#busy.has(key)) this.broken.push(`${offset} began while its key was busy`);
    }
    for (const { key } of events) this.#busy.add(key);
    this.#now += 1;
    this.most = Math.max(this.most, this.#now);
    const end = (): void => {
      this.#now -= 1;
      for (const { key } of events) this.#busy.delete(key);
    };
    const steps = events.map((one) => this.#step(one));
    const bad = steps.find((step) => step !== 'at-once' && step !== 'later');
    if (bad !== undefined) {
      const error =
        bad === 'waits'
          ? new HeddleError('store-unavailable', 'down')
          : bad === 'permanent'
            ? new HeddleError('conflict', 'no')
            : new Error(bad);
      if (bad === 'throws') {
        end();
        throw error;
      }
      return turn().then(() => {
        end();
        throw error;
      });
    }
    const succeed = (): void => {
      end();
      this.done.push(...events);
    };
    if (steps.includes('later')) return turn().then(succeed);
    succeed();
    return undefined;
  }

  #step({ offset }: StoredEvent): Fate[number] {
    const tried = this.#tries.get(offset) ?? 0;
    this.#tries.set(offset, tried + 1);
    return this.#fates.get(offset)?.[tried] ?? 'at-once';
  }
}

const steps = fc.constantFrom<Fate[number][]>('at-once', 'later', 'throws', 'rejects', 'waits', 'permanent');
const fates = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Fate>(['at-once'], ['later']) },
  { weight: 1, arbitrary: fc.array(steps, { maxLength: 5 }) },
);
const programs = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), fate: fates }), {
  minLength: 1,
  maxLength: 60,
});

function offsetsOf(key: string, events: readonly StoredEvent[]): number[] {
  return events.filter((one) => one.key === key).map(({ offset }) => offset);
}

describe('the work of a partition', () => {
  it.each([
    ['one by one', () => new Trial()],
    ['two keys at a time', () => new Trial({ concurrency: 2 })],
    ['in batches and one by one', () => Trial.inBatches()],
  ])('%s: whatever fails, every event is handled or a dead letter, each key in order', async (_, make) => {
    await fc.assert(
      fc.asyncProperty(programs, async (events) => {
        const trial = make();
        await trial.run(events);
        expect(trial.broken).toEqual([]);
        const ended = [...trial.done, ...trial.dead].map(({ offset }) => offset);
        expect(ended.toSorted((a, b) => a - b)).toEqual(events.map((__, offset) => offset));
        for (const key of ['a', 'b', 'c', 'd']) {
          expect(offsetsOf(key, trial.done)).toEqual(offsetsOf(key, trial.done).toSorted((a, b) => a - b));
          expect(offsetsOf(key, trial.dead)).toEqual(offsetsOf(key, trial.dead).toSorted((a, b) => a - b));
        }
        const status = trial.consumer.status({ isStopped: false, hasJoined: true, partitions: [] });
        expect(status).toMatchObject({
          state: 'consuming',
          inFlight: 0,
          retrying: 0,
          handled: trial.done.length,
          deadLettered: trial.dead.length,
        });
      }),
      { numRuns: 40 },
    );
  });

  it('handles no more keys at a time than it may', async () => {
    const trial = new Trial({ concurrency: 2 });
    await trial.run(Array.from({ length: 40 }, (_, n) => ({ key: `k${n}`, fate: ['later'] })));
    expect(trial.most).toBe(2);
  });

  it('has no call within a call for each event that is handled at once', async () => {
    const trial = new Trial({ concurrency: 1 });
    await trial.run([
      { key: 'first', fate: ['later'] },
      ...Array.from({ length: 30_000 }, (_, n) => ({ key: `k${n}`, fate: ['at-once'] as const })),
    ]);
    expect(trial.done).toHaveLength(30_001);
  });

  it('takes what waited for its schema in its place: nothing above it is done to', async () => {
    const trial = new Trial();
    await trial.work.add([event(5, 'b')], 2);
    expect(trial.work.doneTo).toBe(2);
    await trial.work.add([event(2, 'a'), event(3, 'a')], 6);
    expect(trial.work.doneTo).toBe(6);
    expect(trial.done.map(({ offset }) => offset)).toEqual([5, 2, 3]);
  });
});
