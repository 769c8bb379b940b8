import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { HeddleError } from '@heddle/event';
import { Sleep, Trial, violations } from './trial.js';

/** Where a relay dies: with its session, or in the answer of the log, before or after the log took the event. */
const CRASHES = ['after append', 'before append', 'none', 'session', 'sleep', 'stop'] as const;
const crash = fc.constantFrom(...CRASHES);
const step = fc.record({
  keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 }),
  rollsBack: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
  crash,
});

describe('whatever the crash point', () => {
  it(
    'each committed event is appended at least once and in order per key, and no other',
    { timeout: 120_000 },
    async () => {
      const trial = await Trial.open();
      const landed = new Set<string>();
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
            for (const { keys, rollsBack, crash: point } of steps) await run(trial, keys, rollsBack, point, landed);
            const rescuer = trial.relay({ leaseMs: 200 });
            rescuer.wake();
            await vi.waitFor(async () => expect(await trial.unsent()).toBe(0), { timeout: 10_000, interval: 10 });
            await rescuer.stop();
            expect(violations(trial.log, await trial.committed())).toEqual([]);
          }),
          // Each alone to begin with: behind others, a relay of an earlier step may leave nothing to crash in.
          { numRuns: 40, examples: CRASHES.map((one) => [[{ keys: ['a'], rollsBack: false, crash: one }]]) },
        );
      } finally {
        await trial.close();
      }
      expect([...landed].toSorted()).toEqual(CRASHES);
    },
  );
});

async function run(
  trial: Trial,
  keys: string[],
  rollsBack: boolean,
  point: string,
  landed: Set<string>,
): Promise<void> {
  const sleep = new Sleep();
  let sessions = 0;
  const connect = async () => {
    sessions += 1;
    // What has crashed does not come back: others must do its work.
    if (sessions > 1) throw new HeddleError('store-unavailable', 'This relay is dead.');
    return sleep.over(await trial.database.connect());
  };
  let isHit = false;
  const eventLog = {
    append: async (appends: Parameters<typeof trial.log.append>[0]) => {
      isHit = true;
      if (point === 'before append') return new Promise<never>(() => {});
      const outcomes = await trial.log.append(appends);
      return point === 'after append' ? new Promise<never>(() => {}) : outcomes;
    },
  };
  const relay = trial.relay({ database: { connect }, eventLog, leaseMs: 200 });
  await trial
    .book(keys, () => {
      if (rollsBack) throw new Error('rolled back on purpose');
    })
    .catch((error: unknown) => expect(error).toMatchObject({ message: 'rolled back on purpose' }));
  relay.wake();
  if (rollsBack) {
    await relay.stop(50);
    return;
  }
  // A relay of an earlier step may have been quicker; then there is nothing left to crash in.
  await vi.waitFor(async () => expect(isHit || (await trial.unsent()) === 0).toBe(true), {
    timeout: 5000,
    interval: 2,
  });
  if (!isHit) {
    await relay.stop(50);
    return;
  }
  landed.add(point);
  if (point === 'session') await trial.endSessions();
  if (point === 'sleep') sleep.begin();
  if (point === 'stop' || point === 'none') await relay.stop(500);
  // Nothing of a process that died goes on: neither its marks nor the rest of its appends.
  if (point === 'before append' || point === 'after append') await trial.endSessions();
  if (point === 'sleep') setTimeout(() => sleep.end(), 300);
}
