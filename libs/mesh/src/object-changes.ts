import { HeddleError } from '@heddle/event';
import type { Outbox, OutboxTables, Relay } from '@heddle/outbox';
import { checkExpected } from '@heddle/runtime';
import type { Transaction } from 'kysely';
import type { ChangeRequest } from './change-request.js';
import type { ObjectStore, Stored } from './object-store.js';
import type { OriginOfChange } from './origin.js';

/** What a rule decides: the state after it and the events it raises. No events means that nothing changed. */
export interface Decision<S> {
  state: S;
  events: readonly { type: string; data: unknown }[];
  isDeleted?: boolean;
}

/** How errors speak of an object. */
export interface ObjectName {
  /** In the middle of a sentence: `sales order`. */
  name: string;
  /** The field that holds its number. */
  keyField: string;
}

/**
 * Changes of one business object: each is one transaction of rule, repository and outbox, after which the relay is
 * woken. An event exists if and only if its change does.
 */
export class ObjectChanges<T extends OutboxTables, S> {
  constructor(
    private readonly object: ObjectName,
    private readonly store: ObjectStore<T, S>,
    private readonly outbox: Pick<Outbox, 'raise'>,
    private readonly relay: Pick<Relay, 'wake'>,
  ) {}

  /**
   * Creates an object under the number given, or under the next one that is free. `before` is asked first, in the same
   * transaction, and may refuse.
   *
   * @throws HeddleError `conflict` for a number that is taken
   */
  create(
    given: string | undefined,
    origin: OriginOfChange,
    rule: (key: string, now: Date) => Decision<S>,
    before: (tx: Transaction<T>) => Promise<void> | void = () => {},
  ): Promise<Stored<S>> {
    return this.#commit(async (tx) => {
      await before(tx);
      for (;;) {
        const key = given ?? (await this.store.drawNumber(tx));
        const { state, events } = rule(key, new Date());
        const version = await this.store.insert(tx, key, state);
        if (version !== undefined) {
          await this.#raise(tx, key, version, events, origin);
          return { key, version, state };
        }
        // A drawn number that a client had chosen before is passed over.
        if (given !== undefined) {
          const { name, keyField } = this.object;
          throw new HeddleError('conflict', `There is a ${name} ${key} already.`, { field: keyField });
        }
      }
    });
  }

  /** The object, or its tombstone. @throws HeddleError `not-found` */
  async read(key: string): Promise<Stored<S>> {
    return this.#found(key, await this.store.find(key));
  }

  /**
   * Applies a rule to the object as it is now; a rule that raises nothing leaves it and its version alone.
   *
   * @throws HeddleError `not-found`, `object-gone`, `precondition-failed`
   */
  change(
    { key, expected, origin }: ChangeRequest,
    rule: (state: S, now: Date, tx: Transaction<T>) => Decision<S> | Promise<Decision<S>>,
  ): Promise<Stored<S>> {
    return this.#commit(async (tx) => {
      const stored = this.#found(key, await this.store.lock(tx, key));
      if (stored.isDeleted === true) throw gone(stored);
      checkExpected(expected, stored.version);
      const { state, events, isDeleted = false } = await rule(stored.state, new Date(), tx);
      if (events.length === 0) return stored;
      const after: Stored<S> = { key, version: stored.version + 1, isDeleted, state };
      // Both go to the server together; a failure of either rolls back both.
      await Promise.all([this.store.update(tx, after), this.#raise(tx, key, after.version, events, origin)]);
      return after;
    });
  }

  async #commit<R>(work: (tx: Transaction<T>) => Promise<R>): Promise<R> {
    const result = await this.store.transaction(work);
    this.relay.wake();
    return result;
  }

  #raise(
    tx: Transaction<T>,
    key: string,
    version: number,
    events: Decision<S>['events'],
    origin: OriginOfChange,
  ): Promise<void> {
    return this.outbox.raise(
      tx,
      events.map(({ type, data }) => ({ type, key, data, version, ...origin })),
    );
  }

  #found(key: string, stored: Stored<S> | undefined): Stored<S> {
    if (stored === undefined) throw new HeddleError('not-found', `There is no ${this.object.name} ${key}.`);
    return stored;
  }
}

/** The error for a deleted object; its version goes into the ETag. */
export function gone({ key, version }: Pick<Stored<unknown>, 'key' | 'version'>): HeddleError {
  return new HeddleError('object-gone', `${key} was deleted; that is its version ${version}.`);
}
