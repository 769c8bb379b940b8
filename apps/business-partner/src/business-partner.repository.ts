import type { OutboxTables } from '@heddle/outbox';
import { type ColumnType, type Kysely, type Transaction, sql } from 'kysely';
import type { BusinessPartner } from './business-partner.shape.js';

export interface BusinessPartnerTables extends OutboxTables {
  business_partner: { key: string; version: number; state: ColumnType<BusinessPartner, string, string> };
}

/** A partner as it is stored. The version rises by one with each change of state. */
export interface StoredPartner {
  key: string;
  version: number;
  partner: BusinessPartner;
}

type Tx = Transaction<BusinessPartnerTables>;

/** The SQL of business partners. */
export class BusinessPartnerRepository {
  constructor(private readonly db: Kysely<BusinessPartnerTables>) {}

  /** One method of the service is one transaction. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  async find(key: string): Promise<StoredPartner | undefined> {
    const row = await this.db.selectFrom('business_partner').select(COLUMNS).where('key', '=', key).executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** As `find`, and nobody else changes it until the transaction ends. */
  async lock(tx: Tx, key: string): Promise<StoredPartner | undefined> {
    const row = await tx
      .selectFrom('business_partner')
      .select(COLUMNS)
      .where('key', '=', key)
      .forUpdate()
      .executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  /** The partners by number. */
  async list(limit: number, after: string): Promise<StoredPartner[]> {
    const rows = await this.db
      .selectFrom('business_partner')
      .select(COLUMNS)
      .where('key', '>', after)
      .orderBy('key')
      .limit(limit)
      .execute();
    return rows.map(storedOf);
  }

  /** False when there is one under its number. */
  async insert(tx: Tx, partner: BusinessPartner): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('business_partner')
      .values({ key: partner.BusinessPartner, version: 1, state: JSON.stringify(partner) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  /** For a partner that this transaction has locked. */
  async update(tx: Tx, { key, version, partner }: StoredPartner): Promise<void> {
    await tx
      .updateTable('business_partner')
      .set({ version, state: JSON.stringify(partner) })
      .where('key', '=', key)
      .execute();
  }

  async drawNumber(tx: Tx): Promise<string> {
    const { rows } = await sql<{ number: number }>`select nextval('business_partner_number') as number`.execute(tx);
    return String(rows[0]?.number);
  }
}

const COLUMNS = ['key', 'version', 'state'] as const;

function storedOf(row: { key: string; version: number; state: BusinessPartner }): StoredPartner {
  return { key: row.key, version: row.version, partner: row.state };
}
