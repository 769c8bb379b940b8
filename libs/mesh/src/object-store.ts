import type { Transaction } from 'kysely';

/** An object as it is stored. The version rises by one with each change of state, deletion and re-creation included. */
export interface Stored<S> {
  key: string;
  version: number;
  /** True of a tombstone; objects that are never deleted leave it out. */
  isDeleted?: boolean;
  state: S;
}

/** The repository of a business object, as its changes need it. */
export interface ObjectStore<T, S> {
  /** One method of a service is one transaction. */
  transaction<R>(work: (tx: Transaction<T>) => Promise<R>): Promise<R>;
  find(key: string): Promise<Stored<S> | undefined>;
  /** As `find`, and nobody else changes it until the transaction ends. */
  lock(tx: Transaction<T>, key: string): Promise<Stored<S> | undefined>;
  /** Those that are not deleted and come after a key, by key. */
  list(limit: number, after: string): Promise<Stored<S>[]>;
  /** The version the new object has, or nothing when there is one under its key. */
  insert(tx: Transaction<T>, key: string, state: S): Promise<number | undefined>;
  /** For an object that this transaction has locked. */
  update(tx: Transaction<T>, stored: Stored<S>): Promise<void>;
  /** A number that nobody else draws. */
  drawNumber(tx: Transaction<T>): Promise<string>;
}
