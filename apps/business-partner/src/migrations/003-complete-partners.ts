import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type StoredPartner, completedPartner } from '../completed-partner.js';

const BATCH = 500;

/**
 * Partners of before there were roles, banks and views get them, so that what is asked over all partners finds them,
 * too. Their versions stay: nothing about them has changed.
 */
export const completeBusinessPartners: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (let after = ''; ;) {
      const { rows } = await sql<{ key: string; state: StoredPartner }>`
        select key, state from business_partner
        where key > ${after} and state -> 'CreationDateTime' is null
        order by key limit ${sql.lit(BATCH)}
      `.execute(db);
      const last = rows.at(-1);
      if (last === undefined) return;
      const states = rows.map(({ state }) => JSON.stringify(completedPartner(state)));
      await sql`
        update business_partner set state = done.state::jsonb
        from unnest(${rows.map(({ key }) => key)}::text[], ${states}::text[]) as done (key, state)
        where business_partner.key = done.key
      `.execute(db);
      after = last.key;
    }
  },
};
