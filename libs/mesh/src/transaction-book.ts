import type { EventAttributes } from '@heddle/event';
import type { OriginOfChange } from './origin.js';

/** What is known of a transaction that the mesh has begun. */
export interface KnownTransaction {
  hasRaised: boolean;
  /** What the events that it raises come from. */
  origin: OriginOfChange;
}

/** The transactions under way that the mesh has begun by itself: it sees them end. */
export class TransactionBook {
  readonly #known = new WeakMap<object, KnownTransaction>();
  #open = 0;

  /** How many are under way. */
  get open(): number {
    return this.#open;
  }

  of(tx: unknown): KnownTransaction | undefined {
    return typeof tx === 'object' && tx !== null ? this.#known.get(tx) : undefined;
  }

  /** Runs what begins and ends a transaction, and gives it the work with a transaction that is known meanwhile. */
  async during<Tx, R>(
    origin: OriginOfChange,
    begin: (note: (tx: Tx) => void) => Promise<R>,
  ): Promise<{ result: R; hasRaised: boolean }> {
    const known: KnownTransaction = { hasRaised: false, origin };
    this.#open += 1;
    try {
      const result = await begin((tx) => {
        // One that is begun again after a conflict is another object, or the same anew.
        if (typeof tx === 'object' && tx !== null) this.#known.set(tx, known);
      });
      return { result, hasRaised: known.hasRaised };
    } finally {
      this.#open -= 1;
    }
  }
}

/** What an event that another one leads to says of it: the same correlation and trace, and this one as its cause. */
export function following({ id, correlationid, traceparent }: EventAttributes): OriginOfChange {
  return {
    correlationId: correlationid ?? id,
    causationId: id,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
