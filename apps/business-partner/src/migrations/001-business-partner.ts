import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Partners are documents under their number. */
export const createBusinessPartnerTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table business_partner (
        key text collate "C" primary key,
        version bigint not null,
        state jsonb not null
      )
    `.execute(db);
    await sql`create sequence business_partner_number start 1000000`.execute(db);
  },
};
