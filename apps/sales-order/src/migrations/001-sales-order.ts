import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Numbers that a process draws in one go; those it has not given when it ends are passed over. */
export const NUMBER_BLOCK = 20;

/** Orders are documents under their number; the deleted keep their row, so that their version goes on rising. */
export const createSalesOrderTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table sales_order (
        key text collate "C" primary key,
        version bigint not null,
        is_deleted boolean not null default false,
        state jsonb not null
      )
    `.execute(db);
    await sql`create sequence sales_order_number increment by ${sql.lit(NUMBER_BLOCK)}`.execute(db);
    await sql`create table known_partner (key text collate "C" primary key, sequence bigint not null)`.execute(db);
  },
};
