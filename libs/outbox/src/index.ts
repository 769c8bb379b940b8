export { openDatabase, type Database, type DatabaseOptions } from './database.js';
export { Outbox, type OutboxOptions, type Raise } from './outbox.js';
export { createOutboxTables, type OutboxTables } from './outbox-tables.js';
export { Relay, type RelayLog, type RelayOptions } from './relay.js';
export { RelayMetrics } from './relay-metrics.js';
