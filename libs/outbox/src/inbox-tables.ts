import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The table behind the inbox. */
export interface InboxTables {
  inbox: { consumer: string; source: string; id: string; handled_at: Date };
}

/** The statements that create the inbox, for whoever brings tables up to date in another way than Kysely's. */
export const INBOX_STATEMENTS: readonly string[] = [
  `create table inbox (
     consumer text not null,
     source text not null,
     id text not null,
     handled_at timestamptz not null default now(),
     primary key (consumer, source, id)
   )`,
  // Times only rise: entries go to the right end of the index, and cleaning reads its left one.
  'create index inbox_handled_at on inbox (handled_at)',
];

/** Creates the inbox. */
export const createInboxTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of INBOX_STATEMENTS) await sql.raw(statement).execute(db);
  },
};
