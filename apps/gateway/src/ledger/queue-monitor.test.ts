import type { StoredEvent } from '@heddle/event';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptRecord } from './attempt.js';
import { LedgerTrial, TRIAL_TYPE } from './ledger-trial.js';
import { type DeliveryState, monitorQuery, queueEventsQuery } from './ledger.shape.js';

const QUEUE = { tenant: 'local', name: 'orders', uuid: 'u1' };
const NOTHING = {
  published: 0,
  acknowledged: 0,
  consumed: 0,
  failed: 0,
  dropped: 0,
  retrying: 0,
  attempts: 0,
  open: 0,
};

type Step = 'again' | 'accepted' | 'dead' | 'dropped' | 'restart';

describe('the monitor of a queue', () => {
  let trial: LedgerTrial;

  beforeEach(async () => {
    trial = await LedgerTrial.start();
  });

  afterEach(() => trial.close());

  const monitor = async (query: object = {}, of = QUEUE) => {
    await trial.ledger.flush();
    return trial.lookUps.monitor.of(of, monitorQuery.parse(query));
  };

  const events = async (query: object) =>
    (await trial.lookUps.queueEvents.of(QUEUE, queueEventsQuery.parse({ limit: 500, ...query }))).events;

  /** An event lives through these; what a takeover repeats begins anew. */
  const live = (event: StoredEvent, steps: readonly Step[], more: Partial<AttemptRecord> = {}): void => {
    let attempt = 0;
    for (const step of steps) {
      attempt = step === 'restart' ? 0 : step === 'dropped' ? attempt : attempt + 1;
      if (step === 'again') trial.attempted(event, { attempt, outcome: 'released', ...more });
      if (step === 'accepted') trial.attempted(event, { attempt, outcome: 'accepted', final: 'accepted', ...more });
      if (step === 'dead') trial.attempted(event, { attempt, outcome: 'rejected', final: 'dead', ...more });
      if (step === 'dropped') trial.attempted(event, { attempt, outcome: 'released', final: 'dropped', ...more });
    }
  };

  it('counts what was published, acknowledged and consumed, and when last, by type', async () => {
    const [first, second, third] = [
      await trial.append('1', 'e1'),
      await trial.append('1', 'e2'),
      await trial.append('2', 'e3'),
    ];
    live(first, ['again', 'accepted'], { at: Date.parse('2026-01-31T12:00:00Z') });
    live(second, ['accepted'], { receiver: { kind: 'pull', name: '' }, at: Date.parse('2026-01-31T12:00:01Z') });
    live(third, ['again'], { at: Date.parse('2026-01-31T12:00:02Z') });
    const { types, partial } = await monitor({ since: '2026-01-31T00:00:00Z' });
    expect(partial).toBe(false);
    expect(types).toEqual([
      {
        ...{ ...NOTHING, type: TRIAL_TYPE, published: 3, acknowledged: 2, consumed: 1, retrying: 1, attempts: 4 },
        lastPublishedAt: '2026-01-31T12:00:02.000Z',
        lastAcknowledgedAt: '2026-01-31T12:00:01.000Z',
      },
    ]);
    expect((await monitor({ since: '2026-01-31T12:00:01Z' })).types).toMatchObject([{ published: 2 }]);
    const until = { since: '2026-01-31T00:00:00Z', until: '2026-01-31T12:00:01Z' };
    expect((await monitor(until)).types).toMatchObject([{ published: 1, acknowledged: 1, consumed: 0 }]);
    // The last day, when nothing is said.
    expect((await monitor()).types).toEqual([]);
  });

  it('counts what failed, what of it can be redriven, and what is redriven once more', async () => {
    const event = await trial.append('1', 'e1');
    live(event, ['again', 'dead']);
    trial.givenUp(event);
    const [failed] = (await monitor()).types;
    expect(failed).toMatchObject({ published: 1, acknowledged: 0, failed: 1, retrying: 0, open: 1 });
    expect(failed!.lastFailedAt).toBeDefined();
    live(event, ['accepted'], { cycle: 'r1' });
    expect((await monitor()).types).toMatchObject([{ published: 2, acknowledged: 1, failed: 1 }]);
  });

  it('counts nothing of other tenants, other queues, and what was there before under the same name', async () => {
    const event = await trial.append('1', 'e1');
    live(event, ['accepted'], { tenant: 'acme' });
    live(event, ['accepted'], { queue: 'others' });
    live(event, ['dead'], { uuid: 'u0' });
    trial.givenUp(event, { uuid: 'u0' });
    expect((await monitor()).types).toEqual([]);
    expect((await monitor({}, { ...QUEUE, uuid: 'u0' })).types).toMatchObject([{ failed: 1, open: 1 }]);
  });

  it('tells every event once, whatever happened to it and however often a takeover repeats it', async () => {
    const step = fc.constantFrom<Step>('again', 'accepted', 'dead', 'dropped', 'restart');
    const expected = { published: 0, acknowledged: 0, failed: 0, dropped: 0, retrying: 0, attempts: 0 };
    const lives = fc.sample(fc.array(step, { minLength: 1, maxLength: 6 }), { numRuns: 300, seed: 7 });
    for (const [index, steps] of lives.entries()) {
      live(await trial.append(`K${index % 9}`, `e${index}`), steps);
      const has = (one: Step): boolean => steps.includes(one);
      const attempts = attemptsIn(steps);
      const state = has('accepted') ? 'acknowledged' : has('dead') ? 'failed' : has('dropped') ? 'dropped' : 'retrying';
      expected.attempts += attempts;
      if (attempts > 0) expected.published += 1;
      if (state !== 'retrying' || attempts > 0) expected[state] += 1;
    }
    const [counted] = (await monitor()).types;
    expect(counted).toMatchObject(expected);
    const { published, acknowledged, consumed, failed, dropped, retrying } = counted!;
    const told = lives.filter((steps) => steps.some((one) => one !== 'restart'));
    expect(acknowledged + failed + dropped + retrying).toBe(told.length);
    const counts: Record<DeliveryState, number> = { published, acknowledged, consumed, failed, dropped, retrying };
    for (const [status, count] of Object.entries(counts)) expect(await events({ status }), status).toHaveLength(count);
    expect(await events({})).toHaveLength(told.length);
  });
});

/** A drop is no attempt of its own: it stands with the number of the last one. */
function attemptsIn(steps: readonly Step[]): number {
  let [attempt, attempts] = [0, 0];
  for (const step of steps) {
    attempt = step === 'restart' ? 0 : step === 'dropped' ? attempt : attempt + 1;
    if (step !== 'restart' && attempt > 0) attempts += 1;
  }
  return attempts;
}
