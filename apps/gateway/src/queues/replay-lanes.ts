import { RateGate } from '../protocols/webhook/rate-gate.js';
import type { Lease } from './lease.js';

/** Of five leases, so many are live ones where both those and replays are ready. */
const LIVE_SHARE = 4;

/** A lane of deliveries that stands beside the live one of its queue. */
export interface Side {
  readonly hasReady: boolean;
  onAvailable(listener: () => void): () => void;
  acquire(): Lease | undefined;
}

interface Gated {
  readonly side: Side;
  readonly gate: RateGate;
}

/**
 * The replays of a queue beside its live deliveries: when both are ready they get one lease of five, and more only
 * while there is nothing live; each of them no more than its rate. Several replays take turns.
 */
export class ReplayLanes {
  #lanes: Gated[] = [];
  #turn = 0;
  #sinceReplay = 0;
  #leased = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly onAvailable: () => void) {}

  get isEmpty(): boolean {
    return this.#lanes.length === 0;
  }

  /** Leases that are out, also of lanes that were taken out meanwhile. */
  get leased(): number {
    return this.#leased;
  }

  get hasReady(): boolean {
    return this.#lanes.some(({ side }) => side.hasReady);
  }

  /** Adds a lane; returns how to take it out. */
  add(side: Side, ratePerSecond: number): () => void {
    const lane = { side, gate: new RateGate(ratePerSecond) };
    this.#lanes.push(lane);
    const stopListening = side.onAvailable(this.onAvailable);
    this.onAvailable();
    return () => {
      stopListening();
      this.#lanes = this.#lanes.filter((other) => other !== lane);
      if (this.#lanes.length === 0) this.close();
    };
  }

  /** The next lease, of a replay or a live one. */
  share(now: number, live: () => Lease | undefined): Lease | undefined {
    if (this.#sinceReplay >= LIVE_SHARE) return this.#acquire(now) ?? live();
    const lease = live();
    if (lease === undefined) return this.#acquire(now);
    this.#sinceReplay += 1;
    return lease;
  }

  /** A lease of one of the lanes has ended. */
  ended(): void {
    this.#leased -= 1;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #acquire(now: number): Lease | undefined {
    let opensAt = Infinity;
    for (let tried = 0; tried < this.#lanes.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#lanes.length;
      const { side, gate } = this.#lanes[this.#turn]!;
      if (gate.nextAt > now) {
        if (side.hasReady) opensAt = Math.min(opensAt, gate.nextAt);
        continue;
      }
      const lease = side.acquire();
      if (lease === undefined) continue;
      gate.pass(now);
      this.#sinceReplay = 0;
      this.#leased += 1;
      return lease;
    }
    this.#wakeAt(opensAt, now);
    return undefined;
  }

  #wakeAt(at: number, now: number): void {
    if (at === Infinity || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.onAvailable();
      },
      Math.max(1, at - now),
    );
  }
}
