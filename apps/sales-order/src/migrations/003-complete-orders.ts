import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type StoredOrder, completedOrder } from '../completed-order.js';

const BATCH = 500;

/**
 * Orders of before items had statuses, schedule lines and partners get them, so that what is asked over all orders
 * finds them, too. Their versions stay: nothing about them has changed.
 */
export const completeSalesOrders: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (let after = ''; ;) {
      const { rows } = await sql<{ key: string; state: StoredOrder }>`
        select key, state from sales_order
        where key > ${after} and state -> 'OverallSDProcessStatus' is null
        order by key limit ${sql.lit(BATCH)}
      `.execute(db);
      const last = rows.at(-1);
      if (last === undefined) return;
      const states = rows.map(({ state }) => JSON.stringify(completedOrder(state)));
      await sql`
        update sales_order set state = done.state::jsonb
        from unnest(${rows.map(({ key }) => key)}::text[], ${states}::text[]) as done (key, state)
        where sales_order.key = done.key
      `.execute(db);
      after = last.key;
    }
  },
};
