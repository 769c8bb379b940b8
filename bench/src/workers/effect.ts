import type { Pass } from './consumed.js';

/** One pass over a topic whose events each have an effect in PostgreSQL, once. */
export type InboxPass = Pass & {
  databaseUrl: string;
};

/** The effect of an event: its key is counted. */
export const TALLY_TABLE = 'create table tally (key text primary key, events integer not null)';
export const COUNT_KEY =
  'insert into tally (key, events) values ($1, 1) on conflict (key) do update set events = tally.events + 1';
