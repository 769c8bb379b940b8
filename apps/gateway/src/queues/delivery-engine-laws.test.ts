import { callerFor } from '../identity/identity-trial.js';
import { CONTROL_TOPICS, type ControlPut } from '@heddle/event';
import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MortalControlLog, type TrialEngine, TrialGround } from './engine-trial.js';
import type { Lease } from './lease.js';
import type { ProgressRecord } from './progress.js';
import { replayRequestShape } from './replay.shape.js';

const ADMIN = callerFor();

type Step =
  | { do: 'append'; key: number }
  | { do: 'lease' }
  | { do: 'accept' | 'reject' | 'release' | 'releaseLong' | 'handBack'; which: number }
  | { do: 'settled' }
  | { do: 'kill' | 'stop' }
  | { do: 'dieAtPut'; after: number; written: boolean }
  | { do: 'join' }
  | { do: 'replay' }
  | { do: 'stopReplay'; which: number }
  | { do: 'wait' };

const which = fc.nat(20);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), key: fc.nat(3) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('lease' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('accept' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('releaseLong' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reject' as const, 'handBack' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settled' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'stop' as const, 'join' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('dieAtPut' as const),
      after: fc.integer({ min: 1, max: 6 }),
      written: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stopReplay' as const), which }) },
);

/** Runs the engine through steps, and knows at every one what may not happen. */
class Machine {
  readonly #numbers = new Map<string, number>();
  /** Per delivery cycle and key, how many of its events have been delivered for the first time. */
  readonly #begun = new Map<string, number>();
  /** Each with its delivery cycle. */
  readonly #delivered = new Set<string>();
  /** Replays that are known to have begun, with what had been appended by then. */
  readonly #replays = new Map<string, { window: readonly string[]; isStopped: boolean }>();
  /** Settled at an instance, not yet known to be durable. */
  readonly #done = new Map<TrialEngine, Set<string>>();
  readonly #doneDurably = new Set<string>();
  readonly #progress = new Map<string, ProgressRecord>();
  #leases: { instance: TrialEngine; lease: Lease; isFirst: boolean }[] = [];
  #instances: TrialEngine[] = [];
  #appended: string[] = [];

  private constructor(readonly ground: TrialGround) {}

  static async make(): Promise<Machine> {
    const machine = new Machine(await TrialGround.make());
    const put = machine.ground.controlLog.put.bind(machine.ground.controlLog);
    machine.ground.controlLog.put = (topic: string, puts: readonly ControlPut[]) => {
      if (topic === CONTROL_TOPICS.progress) for (const one of puts) machine.#watchProgress(one);
      return put(topic, puts);
    };
    const first = await machine.#join();
    await first.create('q');
    return machine;
  }

  async run(step: Step): Promise<void> {
    await this.#bury();
    switch (step.do) {
      case 'append': {
        const key = `k${step.key}`;
        const number = this.#numbers.get(key) ?? 0;
        this.#numbers.set(key, number + 1);
        this.#appended.push(`${key}:${number}`);
        await this.ground.append(key, `${key}:${number}`);
        return;
      }
      case 'lease':
        await turn();
        this.#lease();
        return;
      case 'settled': {
        const owner = this.#owner();
        if (owner === undefined) return;
        const done = [...(this.#done.get(owner) ?? [])];
        let isDurable = false;
        void owner
          .queue('q')
          .settled()
          .then(() => (isDurable = true));
        await vi.waitFor(() => expect(isDurable || owner.isDead).toBe(true), { timeout: 4000, interval: 1 });
        if (isDurable) for (const id of done) this.#doneDurably.add(id);
        return;
      }
      case 'replay':
        return this.#replay();
      case 'stopReplay':
        return this.#stopReplay(step.which);
      case 'kill':
        return this.#lose((instance) => instance.kill());
      case 'stop':
        return this.#lose((instance) => instance.stop());
      case 'dieAtPut': {
        const owner = this.#owner();
        if (owner !== undefined) owner.dieAfterPuts(step.after, step.written);
        return;
      }
      case 'join':
        if (this.#instances.length < 3) await this.#join();
        return;
      case 'wait':
        for (let n = 0; n < 20; n += 1) await turn();
        return;
      default:
        this.#settle(step);
    }
  }

  /** Everything heals; whatever was appended has to have been delivered and be done with in the end. */
  async finish(): Promise<void> {
    for (const instance of this.#instances) await instance.kill();
    this.#instances = [];
    this.#leases = [];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 });
    const last = await this.#join();
    let violation: unknown;
    await vi.waitFor(
      async () => {
        try {
          while (this.#lease()) this.#settle({ do: 'accept', which: this.#leases.length - 1 });
        } catch (error) {
          violation ??= error;
        }
        if (violation !== undefined) return;
        const { ready, leased, waiting } = last.queue('q').statistics;
        expect([ready, leased, waiting, last.engine.set.lagOf(last.queue('q'))]).toEqual([0, 0, 0, 0]);
        const running = last.engine.replays.list(ADMIN, 'q').flatMap(({ progress }) => progress ?? []);
        expect(running.filter(({ open, lookedAt, of }) => open > 0 || lookedAt < of)).toEqual([]);
      },
      { timeout: 4000, interval: 1 },
    );
    if (violation !== undefined) throw violation;
    expect(this.#appended.filter((id) => !this.#delivered.has(nameOf('', id)))).toEqual([]);
    for (const [cycle, { window, isStopped }] of this.#replays) {
      if (!isStopped) expect(window.filter((id) => !this.#delivered.has(nameOf(cycle, id)))).toEqual([]);
    }
    await last.stop();
  }

  async #join(): Promise<TrialEngine> {
    const instance = await this.ground.startEngine({
      tailEvents: 100,
      mortal: new MortalControlLog(this.ground.controlLog),
    });
    this.#instances.push(instance);
    return instance;
  }

  /** What died in the middle of something is noticed, and its slots go to others. */
  async #bury(): Promise<void> {
    for (const dead of this.#instances.filter(({ isDead }) => isDead)) {
      this.#instances = this.#instances.filter((other) => other !== dead);
      await dead.kill();
    }
    if (this.#instances.length === 0) await this.#join();
  }

  #owner(): TrialEngine | undefined {
    return this.#instances.find(
      (instance) => !instance.isDead && instance.engine.queues.atWork('local', 'q') !== undefined,
    );
  }

  async #lose(end: (instance: TrialEngine) => Promise<void>): Promise<void> {
    const instance = this.#owner() ?? this.#instances[0];
    if (instance === undefined) return;
    this.#instances = this.#instances.filter((other) => other !== instance);
    const ended = end(instance);
    // One that dies while it stops never ends.
    await vi.waitFor(() => Promise.race([ended, turn().then(() => expect(instance.isDead).toBe(true))]), {
      timeout: 4000,
      interval: 1,
    });
    if (instance.isDead) await instance.kill();
    await this.#bury();
  }

  #lease(): boolean {
    const owner = this.#owner();
    const lease = owner?.queue('q').acquire();
    if (owner === undefined || lease === undefined) return false;
    const { id } = lease.event.stored.attributes;
    const { cycle } = lease;
    const [key = '', number = ''] = id.split(':');
    const name = nameOf(cycle, id);
    const twins = this.#leases.filter(({ instance, lease: { lane } }) => instance === owner && lane === lease.lane);
    expect(twins, `two of ${key} in flight at once`).toEqual([]);
    expect(this.#doneDurably.has(name), `${name} again, though durably done`).toBe(false);
    const isFirst = !this.#delivered.has(name);
    if (!isFirst) expect(lease.redelivery, `${name} again, unmarked`).not.toBe('no');
    else {
      expect(Number(number), `first delivery of ${name} out of order`).toBe(this.#begun.get(nameOf(cycle, key)) ?? 0);
      this.#begun.set(nameOf(cycle, key), Number(number) + 1);
      this.#delivered.add(name);
    }
    if (cycle !== '') {
      expect(lease.redelivery, `${name} replayed, unmarked`).toBe('yes');
      expect(this.#replays.get(cycle)?.window ?? [id], `${name} is not of its window`).toContain(id);
    }
    this.#leases.push({ instance: owner, lease, isFirst });
    return true;
  }

  #settle(step: { do: string; which: number }): void {
    const [taken] = this.#leases.splice(step.which % Math.max(1, this.#leases.length), 1);
    if (taken === undefined) return;
    const { instance, lease, isFirst } = taken;
    const queue = instance.engine.queues.atWork('local', 'q');
    if (queue === undefined || instance.isDead) return;
    const { id } = lease.event.stored.attributes;
    const { cycle } = lease;
    const [key = '', number = ''] = id.split(':');
    if (step.do === 'accept') queue.accept(lease);
    else if (step.do === 'reject') queue.reject(lease, { reason: 'rejected' });
    else if (step.do === 'release') queue.release(lease, { reason: 'released' });
    else if (step.do === 'releaseLong') queue.release(lease, { reason: 'released', delayMs: 20_000 });
    else {
      queue.release(lease, { reason: 'handed back', countsAttempt: false });
      if (!isFirst) return;
      // Nobody saw it: the next one is the first.
      this.#delivered.delete(nameOf(cycle, id));
      this.#begun.set(nameOf(cycle, key), Number(number));
    }
    if (step.do === 'accept' || step.do === 'reject')
      this.#done.set(instance, (this.#done.get(instance) ?? new Set()).add(nameOf(cycle, id)));
  }

  /** Of all there is. One whose owner dies before it answers may have begun, or not. */
  async #replay(): Promise<void> {
    const owner = this.#owner();
    if (owner === undefined) return;
    const window = [...this.#appended];
    const request = replayRequestShape.parse({ from: 'earliest', ratePerSecond: 50_000 });
    const locate = () => Promise.resolve(undefined);
    await this.#unlessItDies(owner, async () => {
      const { id } = await owner.engine.replays.begin(ADMIN, 'q', request, locate);
      this.#replays.set(id, { window, isStopped: false });
    });
  }

  async #stopReplay(which: number): Promise<void> {
    const owner = this.#owner();
    const [id, replay] = [...this.#replays].at(which % Math.max(1, this.#replays.size)) ?? [];
    if (owner === undefined || id === undefined || replay === undefined) return;
    replay.isStopped = true;
    await this.#unlessItDies(owner, () => owner.engine.replays.stop(ADMIN, 'q', id));
  }

  /** Resolves when it is done or refused, or its instance is dead. */
  async #unlessItDies(instance: TrialEngine, act: () => Promise<unknown>): Promise<void> {
    let code: string | undefined;
    act().then(
      () => (code = 'done'),
      (error: unknown) => (code = String((error as { code?: unknown }).code ?? error)),
    );
    await vi.waitFor(() => expect(code ?? instance.isDead).toBeTruthy(), { timeout: 4000, interval: 1 });
    // Enough of them run already, or the one to be stopped was forgotten.
    if (code !== undefined) expect(['done', 'conflict', 'not-found']).toContain(code);
  }

  #watchProgress({ key, value }: ControlPut): void {
    const record = value as ProgressRecord | null;
    const before = this.#progress.get(key);
    if (record === null) return;
    if (before !== undefined) {
      expect(record.contiguous, `contiguous of ${key} went back`).toBeGreaterThanOrEqual(before.contiguous);
      expect(record.through, `through of ${key} went back`).toBeGreaterThanOrEqual(before.through);
    }
    this.#progress.set(key, record);
  }
}

/** A delivery, or a key of one, within its cycle. */
function nameOf(cycle: string, id: string): string {
  return `${cycle}/${id}`;
}

describe('the delivery engine, whatever happens', () => {
  afterEach(() => void vi.useRealTimers());

  it('loses nothing, keeps the order of each key, works on one of a key at a time, and never goes back', async () => {
    const report = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), async (steps) => {
        vi.useRealTimers();
        const machine = await Machine.make();
        for (const one of steps) await machine.run(one);
        await machine.finish();
      }),
      { numRuns: 200, endOnFailure: true },
    );
    expect(report.failed, fc.defaultReportMessage(report)).toBe(false);
  }, 120_000);
});
