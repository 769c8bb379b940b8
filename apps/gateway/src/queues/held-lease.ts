import type { DispatchedEvent } from '../represent.js';
import type { Item } from './item.js';
import type { Lane } from './lanes.js';
import type { Lease, LeaseSource } from './lease.js';

/** A lease with the place it is to be settled at. */
export class HeldLease implements Lease {
  isOpen = true;
  readonly attempt: number;
  readonly state: Lease['state'];

  constructor(
    /** The lane it was taken from: the queue, or a replay of it. */
    readonly home: LeaseSource,
    readonly event: DispatchedEvent,
    readonly held: Lane,
    readonly item: Item,
    readonly redelivery: Lease['redelivery'],
  ) {
    // Fixed here, for the item counts on when the lease ends.
    this.attempt = item.attempts + 1;
    this.state = item.state;
  }

  get lane(): string {
    return this.held.name;
  }

  get cycle(): string {
    return this.item.cycle;
  }
}
