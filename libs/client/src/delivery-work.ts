import type { CloudEvent } from './cloud-event.js';
import {
  type Delivery,
  type Handle,
  type SettleResult,
  type Settlement,
  type WireDelivery,
  failureOf,
  settlementOf,
} from './delivery.js';
import { HeldDelivery } from './held-delivery.js';

export interface WorkOptions {
  handle: Handle;
  /** Events worked on at a time, at most. */
  concurrency: number;
  /** For so long leases are renewed while their handlers run, in milliseconds; then they run out. */
  renewForMs: number;
  /** Hears what the gateway answered about a delivery. */
  onSettled?: ((event: CloudEvent, delivery: Delivery, result: SettleResult) => void) | undefined;
  /** Hears that a lease was lost while it was worked on, and by which code. */
  onLost?: ((event: CloudEvent, delivery: Delivery, code: string) => void) | undefined;
}

/** A lease is renewed once so much of it is over. */
const RENEWED_SHARE = 0.5;

/**
 * The deliveries that are here: works on them, renews their leases meanwhile, and keeps what became of each until that is
 * answered, over however many connections it takes.
 */
export class DeliveryWork {
  /** Every delivery whose settlement was not answered, by its lease. */
  readonly #held = new Map<string, HeldDelivery>();
  #waiting: HeldDelivery[] = [];
  #running = 0;
  /** Of leases that were lost, the handlers that still run, by key: the same key must not be worked on beside them. */
  readonly #orphans = new Map<string, number>();
  #unsaid: Settlement[] = [];
  #isStopping = false;
  readonly #onIdle = new Set<() => void>();

  /** @param onUnsaid hears that a handler has ended: there may be something to {@link take} */
  constructor(
    private readonly options: WorkOptions,
    private readonly onUnsaid: () => void,
  ) {}

  /** Deliveries that are held. */
  get size(): number {
    return this.#held.size;
  }

  /** Handlers that could begin at once. */
  get free(): number {
    return this.#isStopping ? 0 : Math.max(0, this.options.concurrency - this.#running - this.#waiting.length);
  }

  /** The leases that are held. */
  get leases(): string[] {
    return [...this.#held.keys()];
  }

  /** Takes deliveries that have just come. */
  add(deliveries: readonly WireDelivery[], now = Date.now()): void {
    if (this.#isStopping) return;
    for (const wire of deliveries) {
      if (wire.redelivery !== 'no') this.#loseEarlier(wire);
      const delivery = new HeldDelivery(wire, now, now);
      this.#held.set(delivery.lease, delivery);
      this.#waiting.push(delivery);
    }
    this.#begin();
  }

  /** Begins nothing more; what has not begun is forgotten, as if it had never come. Returns how many those are. */
  stop(): number {
    this.#isStopping = true;
    const forgotten = this.#waiting;
    this.#waiting = [];
    for (const { lease } of forgotten) this.#held.delete(lease);
    this.#lookIdle();
    return forgotten.length;
  }

  /** Resolves once nothing is held. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.add(resolve);
      this.#lookIdle();
    });
  }

  /** Gives up what is held: whoever works on it is told. */
  abandon(): void {
    for (const lease of this.leases) this.lost(lease, 'lease-lost');
  }

  /** Settlements to be said, at most so many; each is had once. */
  take(max: number): Settlement[] {
    return this.#unsaid.splice(0, max);
  }

  /** What was said is to be said again, for it was not answered, and will not be. */
  sayAgain(): void {
    this.#unsaid = [...this.#held.values()].flatMap(({ settlement }) => (settlement === undefined ? [] : [settlement]));
    if (this.#unsaid.length > 0) this.onUnsaid();
  }

  /** Puts back what was taken and could not be said. */
  putBack(settlements: readonly Settlement[]): void {
    this.#unsaid.unshift(...settlements.filter(({ lease }) => this.#held.has(lease)));
  }

  /**
   * Renewals that are due. What may be renewed no more and has run out is lost.
   *
   * @param leaseMs how long a lease lasts
   */
  renewals(leaseMs: number, now = Date.now()): Settlement[] {
    const renewals: Settlement[] = [];
    for (const { lease, leasedFrom, heldSince, settlement } of [...this.#held.values()]) {
      if (settlement !== undefined || now - leasedFrom < leaseMs * RENEWED_SHARE) continue;
      if (now - heldSince < this.options.renewForMs) renewals.push({ lease, action: 'renew', leaseMs });
      else if (now - leasedFrom >= leaseMs) this.lost(lease, 'lease-expired');
    }
    return renewals;
  }

  /**
   * Takes the answers to settlements.
   *
   * @param saidAt when they were said: from then on renewed leases last
   */
  answered(results: readonly SettleResult[], saidAt: number): void {
    for (const result of results) {
      const delivery = this.#held.get(result.lease);
      if (delivery === undefined) continue;
      if (result.state === 'renewed') delivery.leasedFrom = saidAt;
      else if (delivery.settlement === undefined) this.lost(result.lease, result.code ?? 'lease-lost');
      else {
        this.#held.delete(result.lease);
        this.options.onSettled?.(delivery.event, delivery, result);
      }
    }
    this.#lookIdle();
  }

  /** A lease is no longer held: the event comes again, to whoever asks. */
  lost(lease: string, code: string): void {
    const delivery = this.#held.get(lease);
    // What is done with is still said: it may be answered as it was the first time.
    if (delivery === undefined || delivery.settlement !== undefined) return;
    this.#held.delete(lease);
    const at = this.#waiting.indexOf(delivery);
    if (at >= 0) this.#waiting.splice(at, 1);
    else this.#orphans.set(delivery.key, (this.#orphans.get(delivery.key) ?? 0) + 1);
    delivery.lose();
    this.options.onLost?.(delivery.event, delivery, code);
    this.#lookIdle();
  }

  /** What is given out again is no longer leased here, even if its lease has not run out by the clock of here. */
  #loseEarlier({ event: { id, source }, cycle }: WireDelivery): void {
    for (const held of [...this.#held.values()]) {
      if (held.event.id !== id || held.event.source !== source || held.cycle !== cycle) continue;
      this.lost(held.lease, 'lease-expired');
    }
  }

  #begin(): void {
    for (let at = 0; at < this.#waiting.length && this.#running < this.options.concurrency;) {
      const delivery = this.#waiting[at]!;
      if (this.#orphans.has(delivery.key)) at += 1;
      else {
        this.#waiting.splice(at, 1);
        this.#running += 1;
        void this.#work(delivery);
      }
    }
  }

  async #work(delivery: HeldDelivery): Promise<void> {
    const { lease, event } = delivery;
    let settlement: Settlement;
    try {
      settlement = settlementOf(lease, await this.options.handle(event, delivery));
    } catch (error) {
      settlement = failureOf(lease, error);
    }
    this.#running -= 1;
    if (delivery.isLost) this.#adopt(delivery.key);
    else {
      delivery.settlement = settlement;
      this.#unsaid.push(settlement);
    }
    this.#begin();
    this.onUnsaid();
  }

  #adopt(key: string): void {
    const left = (this.#orphans.get(key) ?? 1) - 1;
    if (left === 0) this.#orphans.delete(key);
    else this.#orphans.set(key, left);
  }

  #lookIdle(): void {
    if (this.#held.size > 0) return;
    for (const resolve of this.#onIdle) resolve();
    this.#onIdle.clear();
  }
}
