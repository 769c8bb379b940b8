import type { AttachedState, CloudEvent } from './cloud-event.js';
import type { Delivery, Settlement, WireDelivery } from './delivery.js';

/** A delivery that is here, from when it came until its settlement is answered. */
export class HeldDelivery implements Delivery {
  readonly lease: string;
  readonly event: CloudEvent;
  readonly attempt: number;
  readonly redelivery: Delivery['redelivery'];
  readonly cycle: string | undefined;
  readonly state: AttachedState | null | undefined;
  /** What became of it, once its handler has ended. */
  settlement: Settlement | undefined;
  isLost = false;
  #ending: AbortController | undefined;

  /**
   * @param heldSince when it came, and @param leasedFrom when its lease was last begun, both in milliseconds since 1970
   * by the clock of here, for the gateway's may be another
   */
  constructor(
    { lease, event, attempt, redelivery, cycle, state }: WireDelivery,
    readonly heldSince: number,
    public leasedFrom: number,
  ) {
    this.lease = lease;
    this.event = event;
    this.attempt = attempt;
    this.redelivery = redelivery;
    this.cycle = cycle;
    this.state = state;
  }

  /** What is one at a time: the business key. */
  get key(): string {
    return this.event.partitionkey ?? this.event.subject ?? this.event.id;
  }

  /** Made when it is asked for, which is seldom. */
  get signal(): AbortSignal {
    this.#ending ??= new AbortController();
    if (this.isLost) this.#ending.abort();
    return this.#ending.signal;
  }

  lose(): void {
    this.isLost = true;
    this.#ending?.abort();
  }
}
