import type { ObjectStore, Stored } from '@heddle/mesh';
import type { OutboxTables } from '@heddle/outbox';
import { type ColumnType, type Kysely, type Transaction, sql } from 'kysely';
import type { BusinessPartner } from './business-partner.shape.js';
import { type StoredPartner, completedPartner } from './completed-partner.js';
import type { BusinessPartnerViews } from './migrations/004-entity-views.js';

export interface BusinessPartnerTables extends OutboxTables, BusinessPartnerViews {
  business_partner: { key: string; version: number; state: ColumnType<StoredPartner, string, string> };
  partner_contract: { contract: string; partner: string; rank: number; sequence: number };
}

type Tx = Transaction<BusinessPartnerTables>;

/** The SQL of business partners. */
export class BusinessPartnerRepository implements ObjectStore<BusinessPartnerTables, BusinessPartner> {
  constructor(private readonly db: Kysely<BusinessPartnerTables>) {}

  /** One method of the service is one transaction; several that are to be one share the transaction that this is of. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.isTransaction ? work(this.db as Tx) : this.db.transaction().execute(work);
  }

  async find(key: string): Promise<Stored<BusinessPartner> | undefined> {
    const row = await this.db.selectFrom('business_partner').select(COLUMNS).where('key', '=', key).executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** As `find`, and nobody else changes it until the transaction ends. */
  async lock(tx: Tx, key: string): Promise<Stored<BusinessPartner> | undefined> {
    const row = await tx
      .selectFrom('business_partner')
      .select(COLUMNS)
      .where('key', '=', key)
      .forUpdate()
      .executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** The partners by number. */
  async list(limit: number, after: string): Promise<Stored<BusinessPartner>[]> {
    const rows = await this.db
      .selectFrom('business_partner')
      .select(COLUMNS)
      .where('key', '>', after)
      .orderBy('key')
      .limit(limit)
      .execute();
    return rows.map(storedOf);
  }

  /** Nothing when there is one under its number: partners are never deleted, so the first version is the only one. */
  async insert(tx: Tx, key: string, partner: BusinessPartner): Promise<number | undefined> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('business_partner')
      .values({ key, version: 1, state: JSON.stringify(partner) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n ? 1 : undefined;
  }

  /** For a partner that this transaction has locked. */
  async update(tx: Tx, { key, version, state }: Stored<BusinessPartner>): Promise<void> {
    await tx
      .updateTable('business_partner')
      .set({ version, state: JSON.stringify(state) })
      .where('key', '=', key)
      .execute();
  }

  async drawNumber(tx: Tx): Promise<string> {
    const { rows } = await sql<{ number: number }>`select nextval('business_partner_number') as number`.execute(tx);
    return String(rows[0]?.number);
  }
}

const COLUMNS = ['key', 'version', 'state'] as const;

function storedOf({ key, version, state }: Stored<StoredPartner>): Stored<BusinessPartner> {
  return { key, version, state: completedPartner(state) };
}
