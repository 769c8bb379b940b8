import { CONTROL_TOPICS, type Position, SLOT_COUNT } from '@heddle/event';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MortalControlLog, TRIAL_TOPIC, type TrialEngine, TrialGround } from './engine-trial.js';
import type { Lease } from './lease.js';
import type { Locate } from './replays.js';
import { type ReplayRequest, type ReplayView, replayRequestShape } from './replay.shape.js';

const PATIENT = { timeout: 10_000, interval: 2 };

describe('a replay', () => {
  let ground: TrialGround;
  let instance: TrialEngine;

  beforeEach(async () => {
    ground = await TrialGround.make();
    instance = await ground.startEngine();
  });

  afterEach(async () => {
    if (!instance.isDead) await instance.stop();
  });

  it('delivers its window once more, in order per key, marked, in a cycle of its own; the live position stays', async () => {
    await settledQueue(['a1', 'b1', 'a2', 'c1', 'a3']);
    const { id } = await begin({ from: 'earliest' });
    // After the request: not in the window, and delivered once.
    await ground.append('a', 'a4');
    const leases = await drain();
    const replayed = leases.filter(({ cycle }) => cycle === id);
    expect(replayed.map(idOf).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'c1']);
    expect(ofKey(replayed, 'a')).toEqual(['a1', 'a2', 'a3']);
    expect(replayed.map(({ redelivery }) => redelivery)).toEqual(Array(5).fill('yes'));
    expect(leases.filter(({ cycle }) => cycle === '').map(idOf)).toEqual(['a4']);
    expect(await ended(id)).toMatchObject({ state: 'done', report: { taken: 5, accepted: 5, dead: 0, dropped: 0 } });
    expect(queue().acquire()).toBeUndefined();
    await ground.append('a', 'a5');
    expect((await drain()).map((lease) => [idOf(lease), lease.cycle])).toEqual([['a5', '']]);
  });

  it('leaves nothing behind in the topics of progress and parking once it is done', async () => {
    await settledQueue(['a1', 'b1']);
    const { id } = await begin({ from: 'earliest' });
    queue().release(await next(), { reason: 'down', delayMs: 6000 });
    await queue().settled();
    expect(await stateOf(id)).not.toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7000 });
    try {
      await drain(() => instance.engine.replays.get('q', id).report.accepted === 2);
      await ended(id);
      await vi.waitFor(async () => expect(await stateOf(id)).toEqual([]), PATIENT);
    } finally {
      vi.useRealTimers();
    }
  });

  it('of one business key, of given events, or by a filter delivers those alone', async () => {
    await settledQueue(['a1', 'b1', 'a2', 'c1', 'b2']);
    const of = async (request: Partial<ReplayRequest>, locate?: Locate): Promise<(string | undefined)[]> => {
      const { id } = await begin(request, locate);
      const leases = await drain(() => view(id).state === 'done');
      expect(leases.every(({ cycle }) => cycle === id)).toBe(true);
      return leases.map(idOf).sort();
    };
    expect(await of({ from: 'earliest', key: 'a' })).toEqual(['a1', 'a2']);
    expect(await of({ eventIds: ['c1', 'b2', 'unheard-of'] })).toEqual(['b2', 'c1']);
    expect(await of({ from: 'earliest', filter: [{ exact: { subject: 'b' } }] })).toEqual(['b1', 'b2']);
    const bounds = await ground.eventLog.bounds(TRIAL_TOPIC);
    const places: Position[] = [];
    for (const { partition, end } of bounds) {
      const { events } = await ground.eventLog.fetch({ topic: TRIAL_TOPIC, partition, offset: 0 });
      expect(events).toHaveLength(end);
      places.push(...events.filter(({ attributes }) => ['a2', 'b2'].includes(attributes.id)));
    }
    expect(await of({ eventIds: ['a2', 'b2'] }, () => Promise.resolve(places))).toEqual(['a2', 'b2']);
  });

  it('begins and ends at offsets, of the topics that are named only', async () => {
    await settledQueue(['a1', 'a2', 'a3', 'a4', 'b1', 'c1']);
    const bounds = await ground.eventLog.bounds(TRIAL_TOPIC);
    const { events } = await firstEvents('a');
    const { partition, offset } = events.find(({ attributes }) => attributes.id === 'a2')!;
    const from = bounds.map(({ end, partition: other }) => (other === partition ? offset : end));
    const to = bounds.map(({ end, partition: other }) => (other === partition ? offset + 2 : end));
    const { id } = await begin({ from: { offsets: { [TRIAL_TOPIC]: from } }, to: { offsets: { [TRIAL_TOPIC]: to } } });
    const leases = await drain(() => view(id).state === 'done');
    expect(ofKey(leases, 'a').length).toBeGreaterThan(0);
    const wanted = events.filter((event) => event.offset >= offset && event.offset < offset + 2);
    expect(leases.map(idOf)).toEqual(wanted.map(({ attributes }) => attributes.id));
    await expect(begin({ from: { offsets: { contract: [0] } } })).rejects.toMatchObject({
      field: 'from.offsets.contract',
    });
    await expect(begin({})).rejects.toMatchObject({ code: 'data-invalid', field: 'from' });
  });

  it('works on one event of a key at a time, together with what is live', async () => {
    await settledQueue(['a1']);
    await begin({ from: 'earliest' });
    const again = await next();
    await ground.append('a', 'a2');
    await ground.append('b', 'b1');
    const other = await next();
    expect([idOf(again), idOf(other)]).toEqual(['a1', 'b1']);
    expect(queue().acquire()).toBeUndefined();
    queue().accept(again);
    const live = await next();
    expect([idOf(live), live.cycle]).toEqual(['a2', '']);
    await begin({ from: 'earliest', key: 'a' });
    await turns();
    expect(queue().acquire()).toBeUndefined();
    queue().accept(live);
    expect(idOf(await next())).toBe('a1');
  });

  it('gets one lease of five while there is live work, and all when there is none', async () => {
    const ids = Array.from({ length: 50 }, (_, n) => `old${n}`);
    await settledQueue(ids, { order: 'none' });
    for (let n = 0; n < 100; n += 1) await ground.append(`k${n}`, `new${n}`);
    await vi.waitFor(() => expect(queue().statistics.ready).toBe(100), PATIENT);
    await begin({ from: 'earliest', filter: [{ prefix: { id: 'old' } }], ratePerSecond: 10_000 });
    await vi.waitFor(() => expect(onlyReplay().progress).toMatchObject({ open: 50 }), PATIENT);
    const cycles: string[] = [];
    for (let n = 0; n < 150; n += 1) cycles.push((await next()).cycle);
    const replays = (from: number, to: number): number => cycles.slice(from, to).filter((cycle) => cycle !== '').length;
    expect(replays(0, 100)).toBe(20);
    expect(replays(125, 150)).toBe(25);
  });

  it('begins no more deliveries per second than it may, and live ones do not wait for it', async () => {
    await settledQueue(
      Array.from({ length: 60 }, (_, n) => `old${n}`),
      { order: 'none' },
    );
    const startedAt = Date.now();
    await begin({ from: 'earliest', ratePerSecond: 40 });
    let replayed = 0;
    while (Date.now() < startedAt + 600) {
      for (let lease = queue().acquire(); lease !== undefined; lease = queue().acquire()) {
        queue().accept(lease);
        replayed += 1;
      }
      await delay(5);
    }
    const seconds = (Date.now() - startedAt) / 1000;
    // Its rate, and the two that may come at once.
    expect(replayed).toBeLessThanOrEqual(40 * seconds + 2);
    expect(replayed).toBeGreaterThan(15);
    await ground.append('k', 'live');
    // With most of the replay still to come, it is next.
    const waiting = await vi.waitFor(() => {
      expect(queue().statistics.ready).toBe(1);
      return onlyReplay().progress?.open;
    }, PATIENT);
    expect(waiting).toBeGreaterThan(20);
    const following = [await next(), await next()];
    expect(following.map(idOf)).toContain('live');
  });

  it('wakes receivers by itself when its rate lets the next one through', async () => {
    await settledQueue(['a1', 'b1', 'c1']);
    const leases: Lease[] = [];
    queue().onAvailable(() => {
      for (let lease = queue().acquire(); lease !== undefined; lease = queue().acquire()) leases.push(lease);
    });
    await begin({ from: 'earliest', ratePerSecond: 20 });
    await vi.waitFor(() => expect(leases).toHaveLength(3), PATIENT);
  });

  it('counts with what is live towards the deliveries in flight, and leaves half of them to it', async () => {
    await settledQueue(['a1', 'b1', 'c1', 'd1', 'e1'], { maxInFlight: 4 });
    await begin({ from: 'earliest' });
    const again = [await next(), await next()];
    await turns();
    expect(queue().acquire()).toBeUndefined();
    for (const id of ['x1', 'y1', 'z1']) await ground.append(id[0]!, id);
    const live = [await next(), await next()];
    await turns();
    expect(queue().acquire()).toBeUndefined();
    expect(again.every(({ cycle }) => cycle !== '')).toBe(true);
    expect(live.map(({ cycle }) => cycle)).toEqual(['', '']);
    queue().accept(again[0]!);
    expect(idOf(await next())).toBe('z1');
  });

  it('goes on at a new owner where the last one was, without loss, and what was settled does not come again', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `${'abc'[n % 3]}${n}`);
    await settledQueue(ids);
    const { id } = await begin({ from: 'earliest' });
    const accepted: (string | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) {
      const lease = await next();
      queue().accept(lease);
      accepted.push(idOf(lease));
    }
    const failing = await next();
    queue().release(failing, { reason: 'down', delayMs: 6000 });
    const open = await next();
    await queue().settled();
    await instance.kill();
    instance = await ground.startEngine();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7000 });
    try {
      const leases = await drain(() => view(id).state === 'done');
      expect(leases.every(({ cycle, redelivery }) => cycle === id && redelivery === 'yes')).toBe(true);
      expect(leases.map(idOf).sort()).toEqual(ids.filter((event) => !accepted.includes(event)).sort());
      expect(leases.find((lease) => idOf(lease) === idOf(failing))?.attempt).toBe(2);
      expect(leases.map(idOf)).toContain(idOf(open));
    } finally {
      vi.useRealTimers();
    }
  });

  it('that was begun and never worked on is begun by the next owner', async () => {
    await settledQueue(['a1', 'b1']);
    const { id } = await begin({ from: 'earliest' });
    await instance.kill();
    instance = await ground.startEngine();
    const leases = await drain(() => view(id).state === 'done');
    expect(leases.map(idOf).sort()).toEqual(['a1', 'b1']);
  });

  it('keeps its counts over an orderly takeover', async () => {
    await settledQueue(['a1', 'b1', 'c1']);
    const { id } = await begin({ from: 'earliest' });
    queue().accept(await next());
    await queue().settled();
    await instance.stop();
    instance = await ground.startEngine();
    await drain(() => view(id).state === 'done');
    expect(view(id).report).toMatchObject({ accepted: 3 });
  });

  it('that is stopped leases nothing more, lets what is leased end, and stays so over a restart', async () => {
    await settledQueue(['a1', 'b1', 'c1', 'a2']);
    const { id } = await begin({ from: 'earliest' });
    const lease = await next();
    await instance.engine.replays.stop('q', id, 'tester');
    await turns();
    expect(queue().acquire()).toBeUndefined();
    const key = idOf(lease)![0]!;
    await ground.append(key, `${key}9`);
    await turns();
    expect(queue().acquire()).toBeUndefined();
    queue().accept(lease);
    expect(idOf(await next())).toBe(`${key}9`);
    await vi.waitFor(() => expect(view(id)).toMatchObject({ state: 'stopped', report: { accepted: 1 } }), PATIENT);
    expect(await instance.engine.replays.stop('q', id, 'tester')).toMatchObject({ state: 'stopped' });
    await queue().settled();
    await instance.kill();
    instance = await ground.startEngine();
    expect(view(id)).toMatchObject({ state: 'stopped' });
    expect(await stateOf(id)).toEqual([]);
  });

  it('is paused with its queue, and changes with it', async () => {
    await settledQueue(['a1', 'b1']);
    await begin({ from: 'earliest' });
    await instance.engine.queues.pause('q', true);
    await turns();
    expect(queue().acquire()).toBeUndefined();
    await instance.engine.queues.pause('q', false);
    expect((await next()).redelivery).toBe('yes');
  });

  it('is stopped by a purge of its queue', async () => {
    await settledQueue(['a1', 'b1']);
    const { id } = await begin({ from: 'earliest' });
    await next();
    await instance.engine.queues.purge('q', { before: 'now' });
    expect(view(id).state).toBe('stopped');
    expect(queue().acquire()).toBeUndefined();
    await ground.append('z', 'z1');
    expect(idOf(await next())).toBe('z1');
  });

  it('goes with its queue: one made anew under the name has none', async () => {
    await settledQueue(['a1', 'b1']);
    const { id } = await begin({ from: 'earliest' });
    await next();
    await instance.engine.queues.delete('q');
    await instance.create('q', { start: { [TRIAL_TOPIC]: await ends() } });
    expect(instance.engine.replays.list('q')).toEqual([]);
    expect(() => view(id)).toThrow('no replay');
    await instance.kill();
    instance = await ground.startEngine();
    expect(instance.engine.replays.list('q')).toEqual([]);
    await turns();
    expect(queue().acquire()).toBeUndefined();
    expect(await stateOf(id)).toEqual([]);
  });

  it('makes dead letters of its cycle and of the queue, though its events are older than retries may be', async () => {
    const { uuid } = await settledQueue(['a1', 'b1'], {
      retry: { firstMs: 1, factor: 1, capMs: 1, jitter: 0, attempts: 2, maxAgeMs: 3_600_000 },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    try {
      const { id } = await begin({ from: 'earliest', key: 'a' });
      expect(queue().release(await next(), { reason: 'no' }).state).toBe('waiting');
      vi.setSystemTime(Date.now() + 10);
      expect(queue().release(await next(), { reason: 'never' })).toEqual({ state: 'dead', reason: 'exhausted' });
      expect(await ended(id)).toMatchObject({ report: { taken: 1, accepted: 0, dead: 1 } });
      const [letter] = await deadLetters();
      expect(letter?.notes).toMatchObject({
        'heddle-queue': 'q',
        'heddle-queue-uuid': uuid,
        'heddle-cycle': id,
        'heddle-attempts': '2',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('counts the time to live of its queue from its own beginning', async () => {
    await settledQueue(['a1'], { ttlMs: 60_000 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
    try {
      await begin({ from: 'earliest' });
      expect(idOf(await next())).toBe('a1');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is counted without being made', async () => {
    await settledQueue(['a1', 'b1', 'a2', 'c1']);
    const count = (request: Partial<ReplayRequest>) =>
      instance.engine.replays.count('q', requestOf({ ...request, dryRun: true }), unknown);
    expect(await count({ from: 'earliest' })).toEqual({ events: 4, isEstimate: false, lookedAt: 4, of: 4 });
    expect(await count({ from: 'earliest', filter: [{ prefix: { id: 'a' } }] })).toMatchObject({ events: 2 });
    expect(await count({ eventIds: ['c1'] })).toMatchObject({ events: 1 });
    expect(instance.engine.replays.list('q')).toEqual([]);
    expect(queue().acquire()).toBeUndefined();
  });

  it('runs beside others, up to a bound', async () => {
    await settledQueue(['a1']);
    for (let n = 0; n < 4; n += 1) await begin({ from: 'earliest' });
    await expect(begin({ from: 'earliest' })).rejects.toMatchObject({ code: 'conflict' });
    const leases = await drain(() => instance.engine.replays.list('q').every(({ state }) => state === 'done'));
    expect(new Set(leases.map(({ cycle }) => cycle)).size).toBe(4);
    expect(leases.map(idOf)).toEqual(['a1', 'a1', 'a1', 'a1']);
  });

  it('whose end cannot be stored ends when it can', async () => {
    const mortal = new MortalControlLog(ground.controlLog);
    await instance.stop();
    instance = await ground.startEngine({ mortal });
    await settledQueue(['a1']);
    const { id } = await begin({ from: 'earliest' });
    const put = mortal.put.bind(mortal);
    let failures = 0;
    mortal.put = (topic, puts) => {
      if (topic !== CONTROL_TOPICS.queues || failures >= 2) return put(topic, puts);
      failures += 1;
      return Promise.reject(new Error('the log is away'));
    };
    await drain(() => view(id).state === 'done');
    expect(failures).toBe(2);
  });

  async function settledQueue(ids: readonly string[], settings: Parameters<TrialEngine['create']>[1] = {}) {
    for (const id of ids) await ground.append(id.startsWith('old') ? `k${id.slice(3)}` : id[0]!, id);
    return instance.create('q', { start: { [TRIAL_TOPIC]: await ends() }, ...settings });
  }

  async function ends(): Promise<number[]> {
    return (await ground.eventLog.bounds(TRIAL_TOPIC)).map(({ end }) => end);
  }

  function begin(request: Partial<ReplayRequest>, locate: Locate = unknown): Promise<ReplayView> {
    return instance.engine.replays.begin('q', requestOf(request), 'tester', locate);
  }

  function queue() {
    return instance.queue('q');
  }

  function view(id: string): ReplayView {
    return instance.engine.replays.get('q', id);
  }

  function onlyReplay(): ReplayView {
    return instance.engine.replays.list('q')[0]!;
  }

  function ended(id: string): Promise<ReplayView> {
    return vi.waitFor(() => {
      expect(view(id).state).not.toBe('running');
      return view(id);
    }, PATIENT);
  }

  async function next(): Promise<Lease> {
    return vi.waitFor(() => {
      const lease = queue().acquire();
      expect(lease).toBeDefined();
      return lease!;
    }, PATIENT);
  }

  /** Accepts all there is, until a condition holds: for one, that no replay runs. */
  async function drain(
    until = () =>
      instance.engine.replays.list('q').every(({ state }) => state !== 'running') && queue().statistics.ready === 0,
  ): Promise<Lease[]> {
    const leases: Lease[] = [];
    await vi.waitFor(() => {
      for (let lease = queue().acquire(); lease !== undefined; lease = queue().acquire()) {
        leases.push(lease);
        queue().accept(lease);
      }
      expect(until()).toBe(true);
    }, PATIENT);
    return leases;
  }

  /** Keys of the state that is stored under a replay's id. */
  async function stateOf(id: string): Promise<string[]> {
    const keys = new Set<string>();
    for (const topic of [CONTROL_TOPICS.progress, CONTROL_TOPICS.parked]) {
      await ground.controlLog.load(topic, [...Array(SLOT_COUNT).keys()], ({ key, value }) => {
        if (!key.includes(id)) return;
        if (value === null) keys.delete(key);
        else keys.add(key);
      });
    }
    return [...keys];
  }

  async function firstEvents(key: string) {
    for (const { partition } of await ground.eventLog.bounds(TRIAL_TOPIC)) {
      const batch = await ground.eventLog.fetch({ topic: TRIAL_TOPIC, partition, offset: 0 });
      if (batch.events.some((event) => event.key === key)) return batch;
    }
    throw new Error(`nothing of ${key}`);
  }

  async function deadLetters() {
    for (const { partition, end } of await ground.eventLog.bounds(CONTROL_TOPICS.deadLetters)) {
      if (end === 0) continue;
      return (await ground.eventLog.fetch({ topic: CONTROL_TOPICS.deadLetters, partition, offset: 0 })).events;
    }
    return [];
  }
});

function requestOf(request: Partial<ReplayRequest>): ReplayRequest {
  return replayRequestShape.parse(request);
}

const unknown: Locate = () => Promise.resolve(undefined);

function idOf(lease: Lease): string {
  return lease.event.stored.attributes.id;
}

function ofKey(leases: readonly Lease[], key: string): string[] {
  return leases.filter(({ event }) => event.stored.key === key).map(idOf);
}

/** Whatever is under way gets the time to happen. */
async function turns(): Promise<void> {
  await delay(30);
}
