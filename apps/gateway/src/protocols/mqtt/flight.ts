import type { Grant } from '../../queues/lease-book.js';
import type { DeliverySource } from './source.js';
import type { Selection } from './subscriptions.js';

/** A message that was written to the client and is not settled. */
export interface Flying {
  packetId: number;
  source: DeliverySource;
  grant: Grant;
  selection: Selection;
  /** Since when, in milliseconds of a clock that only goes forward. */
  since: number;
}

const MAX_ID = 65_535;

/**
 * What is on its way to a client under packet ids (MQTT 5 §4.4, §4.9): never more than its receive maximum, each id once
 * at a time, in the order in which it was written first.
 */
export class Flight {
  readonly #flying = new Map<number, Flying>();
  #last = 0;

  get size(): number {
    return this.#flying.size;
  }

  /** In the order in which they were written first. */
  get all(): Flying[] {
    return [...this.#flying.values()];
  }

  /** The oldest of them. */
  get oldest(): Flying | undefined {
    return this.#flying.values().next().value;
  }

  get(packetId: number): Flying | undefined {
    return this.#flying.get(packetId);
  }

  /** Takes the next id that is free for something that is about to be written. */
  add(flying: Omit<Flying, 'packetId'>): Flying {
    do this.#last = (this.#last % MAX_ID) + 1;
    while (this.#flying.has(this.#last));
    const added = { ...flying, packetId: this.#last };
    this.#flying.set(added.packetId, added);
    return added;
  }

  /** The client has said something to it: it is not on its way any more. Nothing for an id that is not out. */
  end(packetId: number): Flying | undefined {
    const flying = this.#flying.get(packetId);
    if (flying !== undefined) this.#flying.delete(packetId);
    return flying;
  }

  /** What came from a source is not this session's any more. */
  drop(source: DeliverySource): Flying[] {
    const dropped = this.all.filter((flying) => flying.source === source);
    for (const { packetId } of dropped) this.#flying.delete(packetId);
    return dropped;
  }
}
