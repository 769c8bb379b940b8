import { callerFor } from '../identity/identity-trial.js';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Lease } from './lease.js';
import { PATIENT, ReplayTrial, idOf } from './replay-trial.js';

const ADMIN = callerFor();

describe('a replay beside live deliveries', () => {
  let trial: ReplayTrial;

  beforeEach(async () => {
    trial = await ReplayTrial.start();
  });

  afterEach(() => trial.stop());

  it('works on one event of a key at a time, together with what is live', async () => {
    await trial.queueBehind(['a1']);
    await trial.begin({ from: 'earliest' });
    const again = await trial.next();
    await trial.ground.append('a', 'a2');
    await trial.ground.append('b', 'b1');
    const other = await trial.next();
    expect([idOf(again), idOf(other)]).toEqual(['a1', 'b1']);
    expect(trial.queue.acquire()).toBeUndefined();
    trial.queue.accept(again);
    const live = await trial.next();
    expect([idOf(live), live.cycle]).toEqual(['a2', '']);
    await trial.begin({ from: 'earliest', key: 'a' });
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    trial.queue.accept(live);
    expect(idOf(await trial.next())).toBe('a1');
  });

  it('gets one lease of five while there is live work, and all when there is none', async () => {
    const ids = Array.from({ length: 50 }, (_, n) => `old${n}`);
    await trial.queueBehind(ids, { order: 'none' });
    for (let n = 0; n < 100; n += 1) await trial.ground.append(`k${n}`, `new${n}`);
    await vi.waitFor(() => expect(trial.queue.statistics.ready).toBe(100), PATIENT);
    await trial.begin({ from: 'earliest', filter: [{ prefix: { id: 'old' } }], ratePerSecond: 10_000 });
    await vi.waitFor(() => expect(trial.views()[0]!.progress).toMatchObject({ open: 50 }), PATIENT);
    const cycles: string[] = [];
    for (let n = 0; n < 150; n += 1) cycles.push((await trial.next()).cycle);
    const replays = (from: number, to: number): number => cycles.slice(from, to).filter((cycle) => cycle !== '').length;
    expect(replays(0, 100)).toBe(20);
    expect(replays(125, 150)).toBe(25);
  });

  it('begins no more deliveries per second than it may, and live ones do not wait for it', async () => {
    await trial.queueBehind(
      Array.from({ length: 60 }, (_, n) => `old${n}`),
      { order: 'none' },
    );
    const startedAt = Date.now();
    await trial.begin({ from: 'earliest', ratePerSecond: 40 });
    let replayed = 0;
    while (Date.now() < startedAt + 600) {
      for (let lease = trial.queue.acquire(); lease !== undefined; lease = trial.queue.acquire()) {
        trial.queue.accept(lease);
        replayed += 1;
      }
      await delay(5);
    }
    const seconds = (Date.now() - startedAt) / 1000;
    // Its rate, and the two that may come at once.
    expect(replayed).toBeLessThanOrEqual(40 * seconds + 2);
    expect(replayed).toBeGreaterThan(15);
    await trial.ground.append('k', 'live');
    // With most of the replay still to come, it is next.
    const waiting = await vi.waitFor(() => {
      expect(trial.queue.statistics.ready).toBe(1);
      return trial.views()[0]!.progress?.open;
    }, PATIENT);
    expect(waiting).toBeGreaterThan(20);
    const following = [await trial.next(), await trial.next()];
    expect(following.map(idOf)).toContain('live');
  });

  it('wakes receivers by itself when its rate lets the next one through', async () => {
    await trial.queueBehind(['a1', 'b1', 'c1']);
    const leases: Lease[] = [];
    trial.queue.onAvailable(() => {
      for (let lease = trial.queue.acquire(); lease !== undefined; lease = trial.queue.acquire()) leases.push(lease);
    });
    await trial.begin({ from: 'earliest', ratePerSecond: 20 });
    await vi.waitFor(() => expect(leases).toHaveLength(3), PATIENT);
  });

  it('counts with what is live towards the deliveries in flight, and leaves half of them to it', async () => {
    await trial.queueBehind(['a1', 'b1', 'c1', 'd1', 'e1'], { maxInFlight: 4 });
    await trial.begin({ from: 'earliest' });
    const again = [await trial.next(), await trial.next()];
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    for (const id of ['x1', 'y1', 'z1']) await trial.ground.append(id[0]!, id);
    const live = [await trial.next(), await trial.next()];
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    expect(again.every(({ cycle }) => cycle !== '')).toBe(true);
    expect(live.map(({ cycle }) => cycle)).toEqual(['', '']);
    trial.queue.accept(again[0]!);
    expect(idOf(await trial.next())).toBe('z1');
  });

  it('is paused with its queue, and changes with it', async () => {
    await trial.queueBehind(['a1', 'b1']);
    await trial.begin({ from: 'earliest' });
    await trial.instance.engine.queues.pause(ADMIN, 'q', true);
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    await trial.instance.engine.queues.pause(ADMIN, 'q', false);
    expect((await trial.next()).redelivery).toBe('yes');
  });

  it('runs beside others, up to a bound', async () => {
    await trial.queueBehind(['a1']);
    for (let n = 0; n < 4; n += 1) await trial.begin({ from: 'earliest' });
    await expect(trial.begin({ from: 'earliest' })).rejects.toMatchObject({ code: 'conflict' });
    const leases = await trial.drain();
    expect(new Set(leases.map(({ cycle }) => cycle)).size).toBe(4);
    expect(leases.map(idOf)).toEqual(['a1', 'a1', 'a1', 'a1']);
  });
});

/** Whatever is under way gets the time to happen. */
async function turns(): Promise<void> {
  await delay(30);
}
