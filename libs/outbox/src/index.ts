export { databaseAt, openDatabase, type Database, type DatabaseOptions } from './database.js';
export { Inbox, type EventIdentity } from './inbox.js';
export { InboxCleaner, type InboxCleanerOptions } from './inbox-cleaner.js';
export { INBOX_STATEMENTS, createInboxTables, type InboxTables } from './inbox-tables.js';
export { Outbox, type EncodedRaise, type OutboxOptions, type Raise } from './outbox.js';
export { OUTBOX_STATEMENTS, createOutboxTables, type OutboxTables } from './outbox-tables.js';
export { Relay, type RelayLog, type RelayOptions } from './relay.js';
export { RelayMetrics } from './relay-metrics.js';
export {
  runIn,
  type AnyTransaction,
  type KyselyTransaction,
  type SqlAnswer,
  type SqlTransaction,
} from './sql-transaction.js';
