import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The contracts that partners have, and how far each has come. */
export const createPartnerContract: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table partner_contract (
        contract text collate "C" primary key,
        partner text collate "C" not null,
        rank smallint not null,
        sequence bigint not null
      )
    `.execute(db);
    await sql`create index partner_contract_partner on partner_contract (partner)`.execute(db);
  },
};
