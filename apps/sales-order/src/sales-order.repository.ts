import type { ObjectStore, Stored } from '@heddle/mesh';
import type { OutboxTables } from '@heddle/outbox';
import { type ColumnType, type Kysely, type Transaction, sql } from 'kysely';
import { type StoredOrder, completedOrder } from './completed-order.js';
import { NUMBER_BLOCK } from './migrations/001-sales-order.js';
import type { SalesOrderViews } from './migrations/004-entity-views.js';
import type { SalesOrder } from './sales-order.shape.js';

export interface SalesOrderTables extends OutboxTables, SalesOrderViews {
  sales_order: {
    key: string;
    version: number;
    is_deleted: boolean;
    state: ColumnType<StoredOrder, string, string>;
  };
  known_partner: { key: string; sequence: number };
  known_contract: { key: string; partner: string; rank: number; sequence: number };
}

type Tx = Transaction<SalesOrderTables>;

/** Partners remembered as known: they are never deleted, so what was true once stays true. */
const MAX_REMEMBERED = 100_000;

/** The SQL of sales orders. */
export class SalesOrderRepository implements ObjectStore<SalesOrderTables, SalesOrder> {
  #knownPartners = new Set<string>();
  #nextNumber = 0;
  #numbersEnd = 0;

  constructor(private readonly db: Kysely<SalesOrderTables>) {}

  /** One method of the service is one transaction; several that are to be one share the transaction that this is of. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.isTransaction ? work(this.db as Tx) : this.db.transaction().execute(work);
  }

  async find(key: string): Promise<Stored<SalesOrder> | undefined> {
    const row = await this.db.selectFrom('sales_order').select(COLUMNS).where('key', '=', key).executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** As `find`, and nobody else changes it until the transaction ends. */
  async lock(tx: Tx, key: string): Promise<Stored<SalesOrder> | undefined> {
    const row = await tx
      .selectFrom('sales_order')
      .select(COLUMNS)
      .where('key', '=', key)
      .forUpdate()
      .executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** The orders that are not deleted, by number. */
  async list(limit: number, after: string): Promise<Stored<SalesOrder>[]> {
    const rows = await this.db
      .selectFrom('sales_order')
      .select(COLUMNS)
      .where('key', '>', after)
      .where('is_deleted', '=', false)
      .orderBy('key')
      .limit(limit)
      .execute();
    return rows.map(storedOf);
  }

  /** The version the new order has, or nothing when there is one under its number. */
  async insert(tx: Tx, key: string, order: SalesOrder): Promise<number | undefined> {
    const { rows } = await sql<{ version: number }>`
      insert into sales_order as stored (key, version, state) values (${key}, 1, ${JSON.stringify(order)})
      on conflict (key) do update set version = stored.version + 1, is_deleted = false, state = excluded.state
      where stored.is_deleted
      returning version
    `.execute(tx);
    return rows[0]?.version;
  }

  /** For an order that this transaction has locked. */
  async update(tx: Tx, { key, version, isDeleted = false, state }: Stored<SalesOrder>): Promise<void> {
    await tx
      .updateTable('sales_order')
      .set({ version, is_deleted: isDeleted, state: JSON.stringify(state) })
      .where('key', '=', key)
      .execute();
  }

  /** A number nobody else draws. Sequences are outside of transactions, so a block outlives one rolled back. */
  async drawNumber(tx: Tx): Promise<string> {
    if (this.#nextNumber >= this.#numbersEnd) {
      const { rows } = await sql<{ number: number }>`select nextval('sales_order_number') as number`.execute(tx);
      this.#nextNumber = rows[0]?.number ?? 0;
      this.#numbersEnd = this.#nextNumber + NUMBER_BLOCK;
    }
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return String(number);
  }

  async isPartnerKnown(tx: Tx, key: string): Promise<boolean> {
    if (this.#knownPartners.has(key)) return true;
    const row = await tx.selectFrom('known_partner').select('key').where('key', '=', key).executeTakeFirst();
    if (row !== undefined && this.#knownPartners.size < MAX_REMEMBERED) this.#knownPartners.add(key);
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

const COLUMNS = ['key', 'version', 'is_deleted', 'state'] as const;

function storedOf(row: { key: string; version: number; is_deleted: boolean; state: StoredOrder }): Stored<SalesOrder> {
  return { key: row.key, version: row.version, isDeleted: row.is_deleted, state: completedOrder(row.state) };
}
