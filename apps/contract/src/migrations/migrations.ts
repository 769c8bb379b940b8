import { createOutboxTables } from '@heddle/outbox';
import { createContractTables } from './001-contract.js';

/** In the order of their names; each runs once per database. */
export const migrations = {
  '000-outbox': createOutboxTables,
  '001-contract': createContractTables,
};
