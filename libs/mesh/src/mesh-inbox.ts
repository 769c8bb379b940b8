import type { StoredEvent } from '@heddle/event';
import type { AnyTransaction } from '@heddle/outbox';
import type { MeshStore } from './mesh-store.js';
import type { OriginOfChange } from './origin.js';
import { following } from './transaction-book.js';

/** Runs work in a transaction whose events come from something. */
type Transact<Tx> = <R>(work: (tx: Tx) => Promise<R>, origin: OriginOfChange) => Promise<R>;

/** What a handler needs of an event to have its effect once: by source and id, whoever appended it how often. */
type Identified = Pick<StoredEvent, 'attributes'>;

/** Makes effects once per event and group of consumers. */
export class MeshInbox<Tx> {
  constructor(
    private readonly store: Pick<MeshStore<Tx>, 'enter'>,
    private readonly transact: Transact<Tx>,
  ) {}

  /**
   * Has the effect of an event in a transaction of its own, unless it was had before: event and effect are committed
   * together. So after a crash at any point, and however often the event comes, there is one effect. Events raised
   * inside carry on its correlation and trace.
   *
   * @returns whether the effect was had now
   */
  once(event: Identified, effect: (tx: Tx) => Promise<void> | void): Promise<boolean> {
    return this.transact(async (tx) => {
      if (!(await this.enter(tx, event))) return false;
      await effect(tx);
      return true;
    }, following(event.attributes));
  }

  /**
   * Enters an event in a transaction of the caller's; false when it was entered before, and there is nothing left to do.
   * For effects that share a transaction, and for databases whose transactions the mesh cannot begin.
   */
  enter(tx: Tx | AnyTransaction, { attributes: { source, id } }: Identified): Promise<boolean> {
    return this.store.enter(tx, { source, id });
  }
}
