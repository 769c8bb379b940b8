import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectAnswer } from '../fetch/objects.js';
import { type TrialEngine, TrialGround, trialQueue } from './engine-trial.js';
import type { Lease } from './lease.js';
import type { QueueDefinition } from './queue.js';

const PATIENT = { timeout: 10_000, interval: 2 };

describe('a queue of shape state', () => {
  let ground: TrialGround;
  let instance: TrialEngine;
  let asked: string[];
  let owner: (key: string, version: number) => ObjectAnswer | Promise<ObjectAnswer>;

  beforeEach(async () => {
    ground = await TrialGround.make();
    asked = [];
    owner = (key, version) => answer(version, { key });
    ground.fetch = async (_tenant, _object, key, version = 0) => {
      asked.push(`${key}@${version}`);
      await Promise.resolve();
      return owner(key, version);
    };
    instance = await ground.startEngine();
  });

  afterEach(() => instance.stop());

  function answer(version: number, object: unknown): ObjectAnswer {
    return { kind: 'state', version, etag: '', body: Buffer.from(JSON.stringify(object)) };
  }

  function behind(): never {
    throw new HeddleError('object-behind', 'not yet');
  }

  function create(name: string, settings: Partial<QueueDefinition> = {}): Promise<QueueDefinition> {
    return instance.create(name, { shape: 'state', ...settings });
  }

  function change(key: string, version: number): Promise<void> {
    return ground.append(key, `${key}${version}`, { dataref: `/v1/objects/trial/${key}?version=${version}` });
  }

  async function next(name: string): Promise<Lease> {
    return vi.waitFor(() => {
      const lease = instance.queue(name).acquire();
      expect(lease).toBeDefined();
      return lease!;
    }, PATIENT);
  }

  function idOf(lease: Lease): string {
    return lease.event.stored.attributes.id;
  }

  function stateOf({ state }: Lease): unknown {
    return state === undefined || state === null ? state : JSON.parse(state.json);
  }

  it('leases an event with the state of its object, and leaves the data of the event as it is', async () => {
    await create('q');
    await change('a', 3);
    const lease = await next('q');
    expect(stateOf(lease)).toEqual({ version: '3', object: { key: 'a' } });
    expect(lease).toMatchObject({ attempt: 1, redelivery: 'no', event: { stored: { data: { id: 'a3' } } } });
  });

  it('fetches once for a hundred queues that want the same', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `q${n}`);
    for (const name of names) await create(name);
    await change('a', 3);
    for (const name of names) expect(stateOf(await next(name))).toMatchObject({ version: '3' });
    expect(asked).toEqual(['a@3']);
  });

  it('waits for a state that cannot be had: no attempt is used, its key keeps its order, other keys pass', async () => {
    owner = (key, version) => (key === 'a' ? behind() : answer(version, { key }));
    await create('q');
    for (const [key, version] of [
      ['a', 1],
      ['a', 2],
      ['b', 1],
    ] as const)
      await change(key, version);
    const other = await next('q');
    expect(idOf(other)).toBe('b1');
    await vi.waitFor(() => expect(asked.filter((one) => one === 'a@1').length).toBeGreaterThan(2), PATIENT);
    expect(instance.queue('q').acquire()).toBeUndefined();
    expect(asked).not.toContain('a@2');
    owner = (key, version) => answer(version, { key });
    const first = await next('q');
    expect([idOf(first), first.attempt, first.redelivery]).toEqual(['a1', 1, 'no']);
    instance.queue('q').accept(first);
    expect(idOf(await next('q'))).toBe('a2');
  });

  it('comes back longer each time, so that what waits long is parked, and still comes', async () => {
    owner = behind;
    await create('q');
    await change('a', 1);
    const delays: number[] = [];
    const queue = instance.queue('q');
    vi.spyOn(queue, 'postpone').mockImplementation((lane, _event, delayMs) => {
      delays.push(delayMs);
      if (delays.length < 12) setImmediate(() => (queue.absentAgain(lane), queue.offered()));
    });
    await vi.waitFor(() => expect(delays).toHaveLength(12), PATIENT);
    for (const [index, delay] of delays.entries()) {
      const full = Math.min(30_000, 200 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(full * 0.75);
      expect(delay).toBeLessThanOrEqual(full);
    }
  });

  it('parks a delivery that waits long for its state, and fetches the state when it is due', async () => {
    owner = behind;
    await create('q');
    await change('a', 1);
    const queue = instance.queue('q');
    const postpone = queue.postpone.bind(queue);
    let dueAt = Infinity;
    vi.spyOn(queue, 'postpone').mockImplementation((lane, event, _delayMs, reason) => {
      dueAt = Math.min(dueAt, Date.now() + 5500);
      postpone(lane, event, Math.max(1, dueAt - Date.now()), reason);
    });
    await vi.waitFor(() => expect(queue.statistics).toMatchObject({ parked: 1, waiting: 1 }), PATIENT);
    owner = (key, version) => answer(version, { key });
    const lease = await next('q');
    expect([idOf(lease), lease.attempt, stateOf(lease)]).toMatchObject(['a1', 1, { version: '1' }]);
  }, 20_000);

  it('gives up what is too old to be waited for any longer, with the reason', async () => {
    owner = behind;
    await create('q', { retry: { ...trialQueue('').retry, maxAgeMs: 300 } });
    await change('a', 1);
    await vi.waitFor(() => expect(instance.queue('q').statistics).toMatchObject({ dead: 1, released: 0 }), PATIENT);
    owner = (key, version) => answer(version, { key });
    await change('a', 2);
    expect(idOf(await next('q'))).toBe('a2');
  });

  it('drops what is no longer wanted while it waits', async () => {
    owner = behind;
    await create('q', { ttlMs: 300 });
    await change('a', 1);
    await vi.waitFor(() => expect(instance.queue('q').statistics).toMatchObject({ dropped: 1, dead: 0 }), PATIENT);
  });

  it('has a tombstone for a deleted object, and null for an event that refers to none', async () => {
    await create('q');
    owner = (_key, version) => ({ kind: 'tombstone', version, etag: '', body: Buffer.alloc(0) });
    await change('a', 4);
    const gone = await next('q');
    expect(stateOf(gone)).toEqual({ version: '4', gone: true });
    await ground.append('b', 'b1');
    expect(stateOf(await next('q'))).toBeNull();
  });

  it('looks for the state anew at a redelivery, whose data is the same', async () => {
    owner = (key, version) => answer(Math.max(version, asked.length * 40), { key });
    await create('q');
    await change('a', 1);
    const first = await next('q');
    await change('a', 50);
    // The second event of the key is behind the first; another queue has the newer state fetched.
    await create('other', { order: 'none' });
    await vi.waitFor(() => expect(asked).toContain('a@50'), PATIENT);
    instance.queue('q').release(first, { reason: 'busy' });
    const again = await next('q');
    expect([idOf(again), again.attempt, again.event.stored.data]).toEqual(['a1', 2, first.event.stored.data]);
    expect(again.state!.version).toBeGreaterThan(first.state!.version);
  });

  it('fetches nothing while it is paused, and goes on when resumed', async () => {
    const definition = await create('q', { paused: true });
    await create('other', { filter: [{ exact: { subject: 'b' } }] });
    await change('a', 1);
    await change('b', 1);
    await next('other');
    expect(asked).toEqual(['b@1']);
    expect(instance.queue('q').statistics).toMatchObject({ ready: 2 });
    instance.engine.set.redefine(instance.queue('q'), { ...definition, paused: false });
    expect(stateOf(await next('q'))).toMatchObject({ version: '1' });
  });

  it('holds no more states than there is room for, and goes on as they are settled', async () => {
    const text = 'x'.repeat(1024 * 1024);
    owner = (key, version) => answer(version, { key, text });
    const definition = await create('q', { paused: true });
    const keys = Array.from({ length: 80 }, (_, n) => `k${n}`);
    for (const key of keys) await change(key, 1);
    await vi.waitFor(() => expect(instance.queue('q').statistics).toMatchObject({ taken: 80 }), PATIENT);
    instance.engine.set.redefine(instance.queue('q'), { ...definition, paused: false });
    // 16 MiB, and what was under way when that was reached.
    await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(16), PATIENT);
    await create('other', { filter: [{ exact: { subject: 'marker' } }] });
    for (let version = 1; version <= 5; version += 1) {
      // Asked for behind all that is asked for already.
      await change('marker', version);
      instance.queue('other').accept(await next('other'));
    }
    const held: Lease[] = [];
    const fetched = asked.filter((one) => one.startsWith('k')).length;
    expect(fetched).toBeLessThanOrEqual(16 + 32);
    while (held.length < 16) held.push(await next('q'));
    const seen = new Set<string>();
    while (seen.size < keys.length + 5) {
      const lease = held.pop() ?? (await next('q'));
      seen.add(idOf(lease));
      instance.queue('q').accept(lease);
    }
  });

  it('may be made of one that was not, while events are ready in it', async () => {
    const definition = await create('q', { shape: 'notify' });
    await change('a', 1);
    await vi.waitFor(() => expect(instance.queue('q').statistics).toMatchObject({ taken: 1 }), PATIENT);
    instance.engine.set.redefine(instance.queue('q'), { ...definition, shape: 'state' });
    expect(stateOf(await next('q'))).toMatchObject({ version: '1' });
  });
});
