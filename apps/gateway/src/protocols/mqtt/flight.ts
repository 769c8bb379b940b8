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
  /** Its lease is gone: it comes again by itself, whatever the client says of it. */
  isLost?: true;
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

  /**
   * The leases of these are gone. Their ids stay taken all the same, until the client has said something to them: it would take
   * what comes under the same id for the same message, and what comes beyond its receive maximum for an error.
   */
  lose(flying: readonly Flying[]): void {
    for (const one of flying) one.isLost = true;
  }

  /** A new connection knows nothing of what was lost under the one before. */
  forgetLost(): void {
    for (const { packetId, isLost } of this.all) if (isLost === true) this.#flying.delete(packetId);
  }

  /** What came from a source. */
  of(source: DeliverySource): Flying[] {
    return this.all.filter((flying) => flying.source === source);
  }

  /** What came from a source is not this session's any more. */
  drop(source: DeliverySource): Flying[] {
    const dropped = this.of(source);
    for (const { packetId } of dropped) this.#flying.delete(packetId);
    return dropped;
  }
}
