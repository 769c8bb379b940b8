import { INBOX_STATEMENTS, OUTBOX_STATEMENTS, createInboxTables, createOutboxTables } from '@heddle/outbox';
import type { Migration } from 'kysely/migration';

/**
 * The tables of the mesh as migrations of Kysely, to be put among a service's own. Their names come first; in a database
 * that has migrations already, allow unordered ones (`allowUnorderedMigrations`).
 */
export const meshMigrations: Record<string, Migration> = {
  '000-heddle-inbox': createInboxTables,
  '000-heddle-outbox': createOutboxTables,
};

/** The same as plain statements, for any other way of bringing tables up to date. Each is to be run once. */
export const MESH_STATEMENTS: readonly string[] = [...OUTBOX_STATEMENTS, ...INBOX_STATEMENTS];
