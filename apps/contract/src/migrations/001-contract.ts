import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Contracts are documents under their number. The file that is signed is a `document` in chunks, so that nobody ever
 * holds it whole; one that is on its way in belongs to no contract yet.
 */
export const createContractTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table contract (
        key text collate "C" primary key,
        version bigint not null,
        state jsonb not null
      )
    `.execute(db);
    await sql`create sequence contract_number start 1000000`.execute(db);
    await sql`
      create table document (
        id uuid primary key,
        contract text collate "C" unique references contract,
        begun_at timestamptz not null default now(),
        media_type text not null,
        size_bytes bigint not null default 0,
        sha256 text not null default ''
      )
    `.execute(db);
    await sql`create index document_on_its_way on document (begun_at) where contract is null`.execute(db);
    await sql`
      create table document_chunk (
        document uuid references document on delete cascade,
        number integer,
        bytes bytea not null,
        primary key (document, number)
      )
    `.execute(db);
    // Documents are packed by their formats: the server need not try again, nor unpack them for each reader.
    await sql`alter table document_chunk alter column bytes set storage external`.execute(db);
    await sql`create table known_partner (key text collate "C" primary key, sequence bigint not null)`.execute(db);
  },
};
