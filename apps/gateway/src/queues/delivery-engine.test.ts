import { callerFor } from '../identity/identity-trial.js';
import { CONTROL_TOPICS } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attemptOf } from './lease-attempt.js';
import type { Lease } from './lease.js';
import { type TrialEngine, TrialGround } from './engine-trial.js';

const ADMIN = callerFor();

const PATIENT = { timeout: 10_000, interval: 2 };

describe('the delivery engine', () => {
  let ground: TrialGround;
  let instance: TrialEngine;

  beforeEach(async () => {
    ground = await TrialGround.make();
    instance = await ground.startEngine();
  });

  afterEach(async () => {
    if (!instance.isDead) await instance.stop();
  });

  function queueOf(name: string) {
    return instance.queue(name);
  }

  async function next(name: string): Promise<Lease> {
    return vi.waitFor(() => {
      const lease = queueOf(name).acquire();
      expect(lease).toBeDefined();
      return lease!;
    }, PATIENT);
  }

  function idOf(lease: Lease | undefined): string | undefined {
    return lease?.event.stored.attributes.id;
  }

  it('hands out what was there before a queue, and what comes after, in order per key', async () => {
    await ground.append('a', 'a1');
    await instance.create('q');
    await ground.append('a', 'a2');
    const first = await next('q');
    expect(idOf(first)).toBe('a1');
    expect(queueOf('q').acquire()).toBeUndefined();
    queueOf('q').accept(first);
    const second = await next('q');
    expect(idOf(second)).toBe('a2');
    expect(second.redelivery).toBe('no');
  });

  it('goes on after a restart where it was, and says of what may have been delivered that it may', async () => {
    await instance.create('q');
    for (const id of ['a1', 'b1', 'c1']) await ground.append(id[0]!, id);
    const leases = [await next('q'), await next('q'), await next('q')];
    queueOf('q').accept(leases[0]!);
    queueOf('q').release(leases[1]!, { reason: 'not now' });
    await queueOf('q').settled();
    await instance.kill();
    instance = await ground.startEngine();
    const again = [await next('q'), await next('q')];
    const by = new Map(again.map((lease) => [idOf(lease), lease]));
    expect([...by.keys()].sort()).toEqual([idOf(leases[1]), idOf(leases[2])].sort());
    expect(by.get(idOf(leases[1]))).toMatchObject({ attempt: 2, redelivery: 'yes' });
    expect(by.get(idOf(leases[2]))).toMatchObject({ attempt: 1, redelivery: 'maybe' });
  });

  it('does not deliver again what was accepted when it died between writing that down and its progress', async () => {
    const definition = await instance.create('q');
    for (const id of ['a1', 'a2', 'b1']) await ground.append(id[0]!, id);
    const first = await next('q');
    const [outcome, final, receiver] = ['accepted', 'accepted', { kind: 'pull', name: 'test' }] as const;
    const ending = { outcome, attempt: 1, final, receiver, grantedAt: Date.now(), endedAt: Date.now() };
    instance.dieAfterPuts(1, false);
    instance.ledger.attempt(attemptOf(definition, first, ending));
    queueOf('q').accept(first);
    await vi.waitFor(() => expect(instance.isDead).toBe(true), PATIENT);
    await instance.kill();
    instance = await ground.startEngine();
    const seen = new Set<string | undefined>();
    await vi.waitFor(() => {
      for (let lease = queueOf('q').acquire(); lease !== undefined; lease = queueOf('q').acquire()) {
        seen.add(idOf(lease));
        queueOf('q').accept(lease);
      }
      expect(seen.size).toBe(2);
    }, PATIENT);
    expect([...seen]).not.toContain(idOf(first));
  });

  it('parks what waits long with all behind it, over a restart, and other keys pass', async () => {
    await instance.create('q', { retry: schedule(60_000) });
    for (const id of ['a1', 'a2', 'b1']) await ground.append(id[0]!, id);
    const leases = [await next('q'), await next('q')];
    const failing = leases.find((lease) => idOf(lease) === 'a1')!;
    queueOf('q').release(failing, { reason: 'down' });
    queueOf('q').accept(leases.find((lease) => idOf(lease) === 'b1')!);
    await ground.append('a', 'a3');
    await vi.waitFor(() => expect(queueOf('q').statistics).toMatchObject({ parked: 3, waiting: 3 }), PATIENT);
    await queueOf('q').settled();
    await instance.kill();
    instance = await ground.startEngine({ tailEvents: 100 });
    await ground.append('b', 'b2');
    const other = await next('q');
    expect(idOf(other)).toBe('b2');
    queueOf('q').accept(other);
    expect(queueOf('q').statistics).toMatchObject({ parked: 3, waiting: 3, ready: 0 });
  });

  it('gives parked ones back in order when they are due, from the log', async () => {
    await instance.create('q', { retry: schedule(60_000) });
    for (const id of ['a1', 'a2', 'a3']) await ground.append('a', id);
    const first = await next('q');
    queueOf('q').release(first, { reason: 'down', delayMs: 6000 });
    await vi.waitFor(() => expect(queueOf('q').statistics.parked).toBe(3), PATIENT);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7000 });
    try {
      const seen: (string | undefined)[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const lease = await next('q');
        seen.push(idOf(lease));
        queueOf('q').accept(lease);
      }
      expect(seen).toEqual(['a1', 'a2', 'a3']);
      expect(queueOf('q').statistics).toMatchObject({ parked: 0, waiting: 0, ready: 0 });
      await queueOf('q').settled();
    } finally {
      vi.useRealTimers();
    }
    const left: string[] = [];
    await ground.controlLog.load(CONTROL_TOPICS.parked, [...Array(32).keys()], ({ key, value }) => {
      if (value !== null) left.push(key);
    });
    expect(left).toEqual([]);
  });

  it('makes a dead letter of what is exhausted, rejected, or too old, and goes on with the key', async () => {
    const { uuid } = await instance.create('q', { retry: { ...schedule(1), attempts: 2 } });
    for (const id of ['a1', 'a2', 'a3']) await ground.append('a', id);
    expect(queueOf('q').release(await next('q'), { reason: 'no' }).state).toBe('waiting');
    expect(queueOf('q').release(await next('q'), { reason: 'still no' })).toEqual({
      state: 'dead',
      reason: 'exhausted',
    });
    queueOf('q').reject(await next('q'), { reason: 'never' });
    expect(idOf(await next('q'))).toBe('a3');
    await queueOf('q').settled();
    const { events } = await deadLetters();
    expect(
      events.map(({ attributes, notes }) => [attributes.id, notes?.['heddle-code'], notes?.['heddle-reason']]),
    ).toEqual([
      ['a1', 'exhausted', 'still no'],
      ['a2', 'rejected', 'never'],
    ]);
    expect(events[0]?.notes).toMatchObject({ 'heddle-queue': 'q', 'heddle-queue-uuid': uuid, 'heddle-attempts': '2' });
  });

  async function deadLetters() {
    const bounds = await ground.eventLog.bounds(CONTROL_TOPICS.deadLetters);
    const { partition } = bounds.find(({ end }) => end > 0)!;
    return ground.eventLog.fetch({ topic: CONTROL_TOPICS.deadLetters, partition, offset: 0 });
  }

  it('drops what outlived its time, and counts it', async () => {
    await instance.create('q', { ttlMs: 60_000 });
    await ground.append('a', 'old', { expirytime: new Date(Date.now() - 1000).toISOString() });
    await ground.append('a', 'new');
    expect(idOf(await next('q'))).toBe('new');
    expect(queueOf('q').statistics).toMatchObject({ dropped: 1 });
  });

  it('does not count what is handed back untouched as an attempt', async () => {
    await instance.create('q');
    await ground.append('a', 'a1');
    queueOf('q').release(await next('q'), { reason: 'untouched', countsAttempt: false });
    expect(await next('q')).toMatchObject({ attempt: 1, redelivery: 'no' });
  });

  it('leases no more than may be in flight, nothing while it is paused, and what it held then', async () => {
    const definition = await instance.create('q', { maxInFlight: 2 });
    for (const id of ['a1', 'b1', 'c1']) await ground.append(id[0]!, id);
    const first = await next('q');
    await next('q');
    expect(queueOf('q').acquire()).toBeUndefined();
    expect(definition.paused).toBe(false);
    await instance.engine.queues.pause(ADMIN, 'q', true);
    queueOf('q').accept(first);
    expect(queueOf('q').acquire()).toBeUndefined();
    await instance.engine.queues.pause(ADMIN, 'q', false);
    expect(idOf(await next('q'))).toBe('c1');
  });

  it('leases nothing while another instance might own its slot, and says when it does again', async () => {
    await instance.create('q');
    instance.hear(false);
    let isTold = false;
    const queue = queueOf('q');
    queue.onAvailable(() => {
      if (queue.acquire() !== undefined) isTold = true;
    });
    await ground.append('a', 'a1');
    await vi.waitFor(() => expect(queue.statistics.ready).toBe(1), PATIENT);
    expect(queue.acquire()).toBeUndefined();
    instance.hear(true);
    await vi.waitFor(() => expect(isTold).toBe(true), PATIENT);
  });

  it('shows what retention took before it was read as a gap, and goes on', async () => {
    for (let n = 0; n < 10; n += 1) await ground.append('a', `a${n}`);
    const bounds = await ground.eventLog.bounds('trial');
    const { partition } = bounds.find(({ end }) => end > 0)!;
    await instance.kill();
    ground.eventLog.forget('trial', partition, 4);
    instance = await ground.startEngine({ tailEvents: 100 });
    await instance.create('q');
    expect(idOf(await next('q'))).toBe('a4');
    expect(queueOf('q').statistics.gaps).toMatchObject([{ topic: 'trial', partition, count: 4, from: 0, to: 4 }]);
  });

  it('made for a window of the log hands that out, and says when all of it is settled', async () => {
    for (const id of ['a1', 'b1', 'a2']) await ground.append(id[0]!, id);
    const end = Object.fromEntries([['trial', (await ground.eventLog.bounds('trial')).map((bounds) => bounds.end)]]);
    await instance.create('window', { end });
    await ground.append('a', 'a3');
    const drained = (): boolean | undefined => instance.engine.queues.get(ADMIN, 'window').statistics?.drained;
    const leases: Lease[] = [];
    while (leases.length < 3) {
      const lease = await next('window');
      expect(drained()).toBe(false);
      leases.push(lease);
      if (leases.length < 3) queueOf('window').accept(lease);
    }
    expect(leases.map(idOf).sort()).toEqual(['a1', 'a2', 'b1']);
    queueOf('window').accept(leases[2]!);
    await vi.waitFor(() => expect(drained()).toBe(true), PATIENT);
    expect(instance.engine.queues.get(ADMIN, 'window').statistics).toMatchObject({ ready: 0, lag: 0 });
    expect(queueOf('window').acquire()).toBeUndefined();
  });

  it('made for a window whose end the reader has not come to yet, reads on when it does', async () => {
    await ground.append('a', 'a1');
    const bounds = await ground.eventLog.bounds('trial');
    const { partition } = bounds.find(({ end }) => end > 0)!;
    // As when the log has more than the reader was handed so far.
    const end = { trial: bounds.map((of) => (of.partition === partition ? of.end + 2 : of.end)) };
    await instance.create('window', { end });
    const first = await next('window');
    queueOf('window').accept(first);
    for (const id of ['a2', 'a3', 'a4']) await ground.append('a', id);
    const second = await next('window');
    queueOf('window').accept(second);
    const third = await next('window');
    queueOf('window').accept(third);
    expect([first, second, third].map(idOf)).toEqual(['a1', 'a2', 'a3']);
    await vi.waitFor(() => expect(queueOf('window').isDrained).toBe(true), PATIENT);
    expect(queueOf('window').acquire()).toBeUndefined();
  });

  it('begins anew after a purge, and a restart brings nothing back', async () => {
    await instance.create('q', { retry: schedule(60_000) });
    for (const id of ['a1', 'a2', 'b1']) await ground.append(id[0]!, id);
    const failing = await next('q');
    queueOf('q').release(failing, { reason: 'down' });
    await queueOf('q').settled();
    await instance.engine.queues.purge(ADMIN, 'q', { before: 'now' });
    expect(queueOf('q').statistics).toMatchObject({ ready: 0, parked: 0, waiting: 0 });
    await instance.kill();
    instance = await ground.startEngine();
    await ground.append('a', 'a9');
    expect(idOf(await next('q'))).toBe('a9');
    expect(queueOf('q').statistics).toMatchObject({ ready: 0, parked: 0, waiting: 0 });
  });

  it('takes on more than it holds, once there is room, without losing any', async () => {
    await instance.create('q', { order: 'none', maxInFlight: 100_000 });
    const count = 9000;
    for (let n = 0; n < count; n += 1) await ground.append(`k${n % 50}`, `e${n}`);
    const seen = new Set<string | undefined>();
    await vi.waitFor(() => {
      for (let lease = queueOf('q').acquire(); lease !== undefined; lease = queueOf('q').acquire()) {
        seen.add(idOf(lease));
        queueOf('q').accept(lease);
      }
      expect(seen.size).toBe(count);
    }, PATIENT);
  });

  it('goes on taking events when all that filled it was parked', async () => {
    await instance.create('q', { order: 'none', maxInFlight: 10_000, retry: schedule(60_000) });
    const count = 20_000;
    for (let n = 0; n < count; n += 1) await ground.append(`k${n}`, `e${n}`);
    await vi.waitFor(() => {
      for (let lease = queueOf('q').acquire(); lease !== undefined; lease = queueOf('q').acquire()) {
        queueOf('q').release(lease, { reason: 'later' });
      }
      expect(queueOf('q').statistics).toMatchObject({ parked: count, ready: 0 });
    }, PATIENT);
  });

  it('of a queue that another instance takes over, leases nothing any more', async () => {
    await instance.create('q');
    await ground.append('a', 'a1');
    const old = queueOf('q');
    const lease = await next('q');
    const other = await ground.startEngine();
    const owners = [instance, other].filter(({ engine }) => engine.queues.atWork('local', 'q') !== undefined);
    expect(owners).toHaveLength(1);
    if (owners[0] === other) {
      expect(old.acquire()).toBeUndefined();
      old.accept(lease);
    }
    await other.stop();
    await vi.waitFor(() => expect(queueOf('q')).toBeDefined(), PATIENT);
  });
});

function schedule(firstMs: number) {
  return { firstMs, factor: 1, capMs: firstMs, jitter: 0, attempts: 100, maxAgeMs: 3_600_000 };
}
