import assert from 'node:assert/strict';
import { CONTROL_TOPICS, SLOT_COUNT, type StoredEvent } from '@heddle/event';
import { vi } from 'vitest';
import type { DeliveryQueue } from './delivery-queue.js';
import { callerFor } from '../identity/identity-trial.js';
import { TRIAL_TOPIC, type TrialEngine, TrialGround } from './engine-trial.js';
import type { Lease } from './lease.js';
import type { QueueDefinition } from './queue.js';
import { type ReplayRequest, type ReplayView, replayRequestShape } from './replay.shape.js';
import type { Locate } from './replays.js';

const ADMIN = callerFor();
export const PATIENT = { timeout: 10_000, interval: 2 };

/** An engine with a queue `q` to be replayed, for tests. */
export class ReplayTrial {
  private constructor(
    readonly ground: TrialGround,
    public instance: TrialEngine,
  ) {}

  static async start(): Promise<ReplayTrial> {
    const ground = await TrialGround.make();
    return new ReplayTrial(ground, await ground.startEngine());
  }

  async stop(): Promise<void> {
    if (!this.instance.isDead) await this.instance.stop();
  }

  /** Dies, and another engine takes over. */
  async takeOver(): Promise<void> {
    await this.instance.kill();
    this.instance = await this.ground.startEngine();
  }

  /** Makes the queue with these events behind it; their keys are their first letters, or the numbers of `old…`. */
  async queueBehind(ids: readonly string[], settings: Partial<QueueDefinition> = {}): Promise<QueueDefinition> {
    for (const id of ids) await this.ground.append(id.startsWith('old') ? `k${id.slice(3)}` : id[0]!, id);
    return this.instance.create('q', { start: { [TRIAL_TOPIC]: await this.ends() }, ...settings });
  }

  async ends(): Promise<number[]> {
    return (await this.ground.eventLog.bounds(TRIAL_TOPIC)).map(({ end }) => end);
  }

  begin(request: Partial<ReplayRequest>, locate: Locate = UNKNOWN): Promise<ReplayView> {
    return this.instance.engine.replays.begin(ADMIN, 'q', requestOf(request), locate);
  }

  get queue(): DeliveryQueue {
    return this.instance.queue('q');
  }

  view(id: string): ReplayView {
    return this.instance.engine.replays.get(ADMIN, 'q', id);
  }

  views(): ReplayView[] {
    return this.instance.engine.replays.list(ADMIN, 'q');
  }

  ended(id: string): Promise<ReplayView> {
    return vi.waitFor(() => {
      assert.notEqual(this.view(id).state, 'running');
      return this.view(id);
    }, PATIENT);
  }

  async next(): Promise<Lease> {
    return vi.waitFor(() => {
      const lease = this.queue.acquire();
      assert(lease !== undefined, 'nothing can be leased');
      return lease;
    }, PATIENT);
  }

  /** Accepts all there is, until no replay runs, and there were so many. */
  async drain(atLeast = 0): Promise<Lease[]> {
    const leases: Lease[] = [];
    await vi.waitFor(() => {
      for (let lease = this.queue.acquire(); lease !== undefined; lease = this.queue.acquire()) {
        leases.push(lease);
        this.queue.accept(lease);
      }
      assert(
        this.views().every(({ state }) => state !== 'running'),
        'a replay runs',
      );
      assert(leases.length >= atLeast, `there were ${leases.length}`);
    }, PATIENT);
    return leases;
  }

  /** Keys of the state that is stored under a replay's id. */
  async stateOf(id: string): Promise<string[]> {
    const keys = new Set<string>();
    for (const topic of [CONTROL_TOPICS.progress, CONTROL_TOPICS.parked]) {
      await this.ground.controlLog.load(topic, [...Array(SLOT_COUNT).keys()], ({ key, value }) => {
        if (!key.includes(id)) return;
        if (value === null) keys.delete(key);
        else keys.add(key);
      });
    }
    return [...keys];
  }

  /** Everything in a topic, partition by partition. */
  async stored(topic: string): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for (const { partition, end } of await this.ground.eventLog.bounds(topic)) {
      if (end > 0) events.push(...(await this.ground.eventLog.fetch({ topic, partition, offset: 0 })).events);
    }
    return events;
  }
}

export function requestOf(request: Partial<ReplayRequest>): ReplayRequest {
  return replayRequestShape.parse(request);
}

/** An index that knows nothing. */
export const UNKNOWN: Locate = () => Promise.resolve(undefined);

export function idOf(lease: Lease): string {
  return lease.event.stored.attributes.id;
}

export function ofKey(leases: readonly Lease[], key: string): string[] {
  return leases.filter(({ event }) => event.stored.key === key).map(idOf);
}
