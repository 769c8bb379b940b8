import type { EventIdentity, AnyTransaction, Raise } from '@heddle/outbox';

/** Where raised events wait for their commit, and where handled ones are noted: a database, or the memory of a test. */
export interface MeshStore<Tx> {
  /** Commits when the work resolves, rolls back when it rejects. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** The events exist if and only if the transaction commits. */
  raise(tx: Tx | AnyTransaction, raises: readonly Raise[]): Promise<void>;
  /** False when the event was entered by a transaction that committed. */
  enter(tx: Tx | AnyTransaction, event: EventIdentity): Promise<boolean>;
  /** A transaction that raised something has committed. */
  committed(): void;
  /** Something was raised in a transaction whose end nobody will tell of. */
  expectCommit(): void;
  /** Whether something is committed that is not in the log yet. */
  hasUnsent(): Promise<boolean>;
  /** Begins to carry events to the log. */
  start(): void;
  /** Carries over what is committed, for a bounded time, then lets go. */
  stop(): Promise<void>;
}
