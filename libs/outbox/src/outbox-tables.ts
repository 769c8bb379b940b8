import { type Generated, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** How many shards the key hash has: the unit that relays divide among themselves, fixed for life. */
export const SHARD_COUNT = 16;

/** The tables behind the outbox; a service's own database type extends this. */
export interface OutboxTables {
  outbox: {
    shard: number;
    id: Generated<number>;
    topic: string;
    key: string;
    sequence: number;
    attributes: Record<string, string>;
    value: Buffer;
    raised_at: Generated<Date>;
  };
  object_counter: { topic: string; key: string; sequence: number };
  outbox_shard: { shard: number; owner: number | null };
  outbox_relay: { session: number; lease_until: Date };
}

/** The statements that create the outbox, for whoever brings tables up to date in another way than Kysely's. */
export const OUTBOX_STATEMENTS: readonly string[] = [
  // Rows live for milliseconds: what is deleted must be cleaned up soon, or readers step over it again and again.
  `create table outbox (
     shard smallint not null,
     id bigint generated always as identity,
     topic text not null,
     key text not null,
     sequence bigint not null,
     attributes jsonb not null,
     value bytea not null,
     raised_at timestamptz not null default clock_timestamp(),
     primary key (shard, id)
   ) with (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0)`,
  // The counter outlives its object: a number that is created again goes on where it stopped.
  `create table object_counter (
     topic text not null,
     key text not null,
     sequence bigint not null,
     primary key (topic, key)
   ) with (fillfactor = 80)`,
  'create table outbox_shard (shard smallint primary key, owner integer)',
  `insert into outbox_shard (shard) select generate_series(0, ${SHARD_COUNT - 1})`,
  'create table outbox_relay (session integer primary key, lease_until timestamptz not null)',
];

/** Creates the outbox; a service puts it first among its migrations. */
export const createOutboxTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of OUTBOX_STATEMENTS) await sql.raw(statement).execute(db);
  },
};
