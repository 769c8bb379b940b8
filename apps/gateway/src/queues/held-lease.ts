import type { DispatchedEvent } from '../represent.js';
import type { Item, Lane } from './lanes.js';
import type { Lease } from './lease.js';

/** A lease with the place it is to be settled at. */
export class HeldLease implements Lease {
  isOpen = true;

  constructor(
    readonly event: DispatchedEvent,
    readonly held: Lane,
    readonly item: Item,
    readonly redelivery: Lease['redelivery'],
  ) {}

  get lane(): string {
    return this.held.name;
  }

  get attempt(): number {
    return this.item.attempts + 1;
  }

  get cycle(): string {
    return this.item.cycle;
  }
}
