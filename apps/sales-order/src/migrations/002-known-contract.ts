import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The contracts that orders may be on, and how far each has come. */
export const createKnownContract: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table known_contract (
        key text collate "C" primary key,
        partner text not null,
        rank smallint not null,
        sequence bigint not null
      )
    `.execute(db);
  },
};
