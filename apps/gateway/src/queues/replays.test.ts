import { callerFor } from '../identity/identity-trial.js';
import { CONTROL_TOPICS, partitionOf } from '@heddle/event';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MortalControlLog, TRIAL_TOPIC } from './engine-trial.js';
import { PATIENT, ReplayTrial, UNKNOWN, idOf, ofKey, requestOf } from './replay-trial.js';
import type { ReplayRequest } from './replay.shape.js';
import type { Locate } from './replays.js';

const ADMIN = callerFor();

describe('a replay', () => {
  let trial: ReplayTrial;

  beforeEach(async () => {
    trial = await ReplayTrial.start();
  });

  afterEach(() => trial.stop());

  it('delivers its window once more, in order per key, marked, in a cycle of its own; the live position stays', async () => {
    await trial.queueBehind(['a1', 'b1', 'a2', 'c1', 'a3']);
    const { id } = await trial.begin({ from: 'earliest' });
    // After the request: not in the window, and delivered once.
    await trial.ground.append('a', 'a4');
    const leases = await trial.drain(6);
    const replayed = leases.filter(({ cycle }) => cycle === id);
    expect(replayed.map(idOf).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'c1']);
    expect(ofKey(replayed, 'a')).toEqual(['a1', 'a2', 'a3']);
    expect(replayed.map(({ redelivery }) => redelivery)).toEqual(Array(5).fill('yes'));
    expect(leases.filter(({ cycle }) => cycle === '').map(idOf)).toEqual(['a4']);
    expect(await trial.ended(id)).toMatchObject({
      state: 'done',
      report: { taken: 5, accepted: 5, dead: 0, dropped: 0 },
    });
    expect(trial.queue.acquire()).toBeUndefined();
    await trial.ground.append('a', 'a5');
    const live = await trial.next();
    expect([idOf(live), live.cycle, live.redelivery]).toEqual(['a5', '', 'no']);
  });

  it('leaves nothing behind in the topics of progress and parking once it is done', async () => {
    await trial.queueBehind(['a1', 'b1']);
    const { id } = await trial.begin({ from: 'earliest' });
    trial.queue.release(await trial.next(), { reason: 'down', delayMs: 6000 });
    await trial.queue.settled();
    expect(await trial.stateOf(id)).not.toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7000 });
    try {
      await trial.drain();
      await trial.ended(id);
      await vi.waitFor(async () => expect(await trial.stateOf(id)).toEqual([]), PATIENT);
    } finally {
      vi.useRealTimers();
    }
  });

  it('of one business key, of given events, or by a filter delivers those alone', async () => {
    await trial.queueBehind(['a1', 'b1', 'a2', 'c1', 'b2']);
    const of = async (request: Partial<ReplayRequest>, locate?: Locate): Promise<(string | undefined)[]> => {
      const { id } = await trial.begin(request, locate);
      const leases = await trial.drain();
      expect(leases.every(({ cycle }) => cycle === id)).toBe(true);
      return leases.map(idOf).sort();
    };
    expect(await of({ from: 'earliest', key: 'a' })).toEqual(['a1', 'a2']);
    expect(await of({ eventIds: ['c1', 'b2', 'unheard-of'] })).toEqual(['b2', 'c1']);
    expect(await of({ from: 'earliest', filter: [{ exact: { subject: 'b' } }] })).toEqual(['b1', 'b2']);
    const places = (await trial.stored(TRIAL_TOPIC)).filter(({ attributes }) => ['a2', 'b2'].includes(attributes.id));
    expect(await of({ eventIds: ['a2', 'b2'] }, () => Promise.resolve(places))).toEqual(['a2', 'b2']);
  });

  it('begins and ends at offsets, of the topics that are named only', async () => {
    await trial.queueBehind(['a1', 'a2', 'a3', 'a4', 'b1', 'c1']);
    const bounds = await trial.ground.eventLog.bounds(TRIAL_TOPIC);
    const events = (await trial.stored(TRIAL_TOPIC)).filter(
      (event) => event.partition === partitionOf('a', bounds.length),
    );
    const { partition, offset } = events.find(({ attributes }) => attributes.id === 'a2')!;
    const from = bounds.map(({ end, partition: other }) => (other === partition ? offset : end));
    const to = bounds.map(({ end, partition: other }) => (other === partition ? offset + 2 : end));
    await trial.begin({
      from: { offsets: { [TRIAL_TOPIC]: from } },
      to: { offsets: { [TRIAL_TOPIC]: to } },
    });
    const leases = await trial.drain();
    expect(ofKey(leases, 'a').length).toBeGreaterThan(0);
    const wanted = events.filter((event) => event.offset >= offset && event.offset < offset + 2);
    expect(leases.map(idOf)).toEqual(wanted.map(({ attributes }) => attributes.id));
    await expect(trial.begin({ from: { offsets: { contract: [0] } } })).rejects.toMatchObject({
      field: 'from.offsets.contract',
    });
    await expect(trial.begin({})).rejects.toMatchObject({ code: 'data-invalid', field: 'from' });
  });

  it('goes on at a new owner where the last one was, without loss, and what was settled does not come again', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `${'abc'[n % 3]}${n}`);
    await trial.queueBehind(ids);
    const { id } = await trial.begin({ from: 'earliest' });
    const accepted: (string | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) {
      const lease = await trial.next();
      trial.queue.accept(lease);
      accepted.push(idOf(lease));
    }
    const failing = await trial.next();
    trial.queue.release(failing, { reason: 'down', delayMs: 6000 });
    const open = await trial.next();
    await trial.queue.settled();
    await trial.takeOver();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7000 });
    try {
      const leases = await trial.drain();
      expect(leases.every(({ cycle, redelivery }) => cycle === id && redelivery === 'yes')).toBe(true);
      expect(leases.map(idOf).sort()).toEqual(ids.filter((event) => !accepted.includes(event)).sort());
      expect(leases.find((lease) => idOf(lease) === idOf(failing))?.attempt).toBe(2);
      expect(leases.map(idOf)).toContain(idOf(open));
    } finally {
      vi.useRealTimers();
    }
  });

  it('that was begun and never worked on is begun by the next owner', async () => {
    await trial.queueBehind(['a1', 'b1']);
    await trial.begin({ from: 'earliest' });
    await trial.takeOver();
    const leases = await trial.drain();
    expect(leases.map(idOf).sort()).toEqual(['a1', 'b1']);
  });

  it('keeps its counts over an orderly takeover', async () => {
    await trial.queueBehind(['a1', 'b1', 'c1']);
    const { id } = await trial.begin({ from: 'earliest' });
    trial.queue.accept(await trial.next());
    await trial.queue.settled();
    await trial.instance.stop();
    trial.instance = await trial.ground.startEngine();
    await trial.drain();
    expect(trial.view(id).report).toMatchObject({ accepted: 3 });
  });

  it('that is stopped leases nothing more, lets what is leased end, and stays so over a restart', async () => {
    await trial.queueBehind(['a1', 'b1', 'c1', 'a2']);
    const { id } = await trial.begin({ from: 'earliest' });
    const lease = await trial.next();
    await trial.instance.engine.replays.stop(ADMIN, 'q', id);
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    const key = idOf(lease)![0]!;
    await trial.ground.append(key, `${key}9`);
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    trial.queue.accept(lease);
    expect(idOf(await trial.next())).toBe(`${key}9`);
    await vi.waitFor(
      () => expect(trial.view(id)).toMatchObject({ state: 'stopped', report: { accepted: 1 } }),
      PATIENT,
    );
    expect(await trial.instance.engine.replays.stop(ADMIN, 'q', id)).toMatchObject({ state: 'stopped' });
    await trial.queue.settled();
    await trial.takeOver();
    expect(trial.view(id)).toMatchObject({ state: 'stopped' });
    expect(await trial.stateOf(id)).toEqual([]);
  });

  it('is stopped by a purge of its queue', async () => {
    await trial.queueBehind(['a1', 'b1']);
    const { id } = await trial.begin({ from: 'earliest' });
    await trial.next();
    await trial.instance.engine.queues.purge(ADMIN, 'q', { before: 'now' });
    expect(trial.view(id).state).toBe('stopped');
    expect(trial.queue.acquire()).toBeUndefined();
    await trial.ground.append('z', 'z1');
    expect(idOf(await trial.next())).toBe('z1');
  });

  it('goes with its queue: one made anew under the name has none', async () => {
    await trial.queueBehind(['a1', 'b1']);
    const { id } = await trial.begin({ from: 'earliest' });
    await trial.next();
    await trial.instance.engine.queues.delete(ADMIN, 'q');
    await trial.instance.create('q', { start: { [TRIAL_TOPIC]: await trial.ends() } });
    expect(trial.instance.engine.replays.list(ADMIN, 'q')).toEqual([]);
    expect(() => trial.view(id)).toThrow('no replay');
    await trial.takeOver();
    expect(trial.instance.engine.replays.list(ADMIN, 'q')).toEqual([]);
    await turns();
    expect(trial.queue.acquire()).toBeUndefined();
    expect(await trial.stateOf(id)).toEqual([]);
  });

  it('makes dead letters of its cycle and of the queue, though its events are older than retries may be', async () => {
    const { uuid } = await trial.queueBehind(['a1', 'b1'], {
      retry: { firstMs: 1, factor: 1, capMs: 1, jitter: 0, attempts: 2, maxAgeMs: 3_600_000 },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    try {
      const { id } = await trial.begin({ from: 'earliest', key: 'a' });
      expect(trial.queue.release(await trial.next(), { reason: 'no' }).state).toBe('waiting');
      vi.setSystemTime(Date.now() + 10);
      expect(trial.queue.release(await trial.next(), { reason: 'never' })).toEqual({
        state: 'dead',
        reason: 'exhausted',
      });
      expect(await trial.ended(id)).toMatchObject({ report: { taken: 1, accepted: 0, dead: 1 } });
      const [letter] = await trial.stored(CONTROL_TOPICS.deadLetters);
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
    await trial.queueBehind(['a1'], { ttlMs: 60_000 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
    try {
      await trial.begin({ from: 'earliest' });
      expect(idOf(await trial.next())).toBe('a1');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is counted without being made', async () => {
    await trial.queueBehind(['a1', 'b1', 'a2', 'c1']);
    const count = (request: Partial<ReplayRequest>) =>
      trial.instance.engine.replays.count(ADMIN, 'q', requestOf({ ...request, dryRun: true }), UNKNOWN);
    expect(await count({ from: 'earliest' })).toEqual({ events: 4, isEstimate: false, lookedAt: 4, of: 4 });
    expect(await count({ from: 'earliest', filter: [{ prefix: { id: 'a' } }] })).toMatchObject({ events: 2 });
    expect(await count({ eventIds: ['c1'] })).toMatchObject({ events: 1 });
    expect(trial.instance.engine.replays.list(ADMIN, 'q')).toEqual([]);
    expect(trial.queue.acquire()).toBeUndefined();
  });

  it('whose end cannot be stored ends when it can', async () => {
    const mortal = new MortalControlLog(trial.ground.controlLog);
    await trial.instance.stop();
    trial.instance = await trial.ground.startEngine({ mortal });
    await trial.queueBehind(['a1']);
    await trial.begin({ from: 'earliest' });
    const put = mortal.put.bind(mortal);
    let failures = 0;
    mortal.put = (topic, puts) => {
      if (topic !== CONTROL_TOPICS.queues || failures >= 2) return put(topic, puts);
      failures += 1;
      return Promise.reject(new Error('the log is away'));
    };
    await trial.drain();
    expect(failures).toBe(2);
  });
});

/** Whatever is under way gets the time to happen. */
async function turns(): Promise<void> {
  await delay(30);
}
