import type { ObjectStore, Stored } from '@heddle/mesh';
import type { OutboxTables } from '@heddle/outbox';
import { type ColumnType, type Generated, type Kysely, type Transaction, sql } from 'kysely';
import type { Contract } from './contract.shape.js';

export interface ContractTables extends OutboxTables {
  contract: { key: string; version: number; state: ColumnType<Contract, string, string> };
  document: {
    id: string;
    /** Nothing as long as it is on its way in. */
    contract: string | null;
    begun_at: Generated<Date>;
    media_type: string;
    size_bytes: Generated<number>;
    sha256: Generated<string>;
  };
  document_chunk: { document: string; number: number; bytes: Buffer };
  known_partner: { key: string; sequence: number };
}

type Tx = Transaction<ContractTables>;

/** The SQL of contracts; that of their documents is in `documents.ts`. */
export class ContractRepository implements ObjectStore<ContractTables, Contract> {
  constructor(private readonly db: Kysely<ContractTables>) {}

  /** One method of the service is one transaction. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  async find(key: string): Promise<Stored<Contract> | undefined> {
    return this.db.selectFrom('contract').select(COLUMNS).where('key', '=', key).executeTakeFirst();
  }

  /** As `find`, and nobody else changes it until the transaction ends. */
  async lock(tx: Tx, key: string): Promise<Stored<Contract> | undefined> {
    return tx.selectFrom('contract').select(COLUMNS).where('key', '=', key).forUpdate().executeTakeFirst();
  }

  /** The contracts by number. */
  async list(limit: number, after: string): Promise<Stored<Contract>[]> {
    return this.db
      .selectFrom('contract')
      .select(COLUMNS)
      .where('key', '>', after)
      .orderBy('key')
      .limit(limit)
      .execute();
  }

  /** Nothing when there is one under its number: contracts are never deleted, so the first version is the only one. */
  async insert(tx: Tx, key: string, contract: Contract): Promise<number | undefined> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('contract')
      .values({ key, version: 1, state: JSON.stringify(contract) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n ? 1 : undefined;
  }

  /** For a contract that this transaction has locked. */
  async update(tx: Tx, { key, version, state }: Stored<Contract>): Promise<void> {
    await tx
      .updateTable('contract')
      .set({ version, state: JSON.stringify(state) })
      .where('key', '=', key)
      .execute();
  }

  async drawNumber(tx: Tx): Promise<string> {
    const { rows } = await sql<{ number: number }>`select nextval('contract_number') as number`.execute(tx);
    return String(rows[0]?.number);
  }

  async isPartnerKnown(tx: Tx, key: string): Promise<boolean> {
    const row = await tx.selectFrom('known_partner').select('key').where('key', '=', key).executeTakeFirst();
    return row !== undefined;
  }

  /** Safe to repeat, and to do in any order: the highest event number stays. */
  async knowPartner(tx: Tx, key: string, sequence: number): Promise<void> {
    await sql`
      insert into known_partner as known (key, sequence) values (${key}, ${sequence})
      on conflict (key) do update set sequence = excluded.sequence where known.sequence < excluded.sequence
    `.execute(tx);
  }
}

const COLUMNS = ['key', 'version', 'state'] as const;
