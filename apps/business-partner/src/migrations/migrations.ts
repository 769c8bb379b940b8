import { createOutboxTables } from '@heddle/outbox';
import { createBusinessPartnerTables } from './001-business-partner.js';
import { createPartnerContract } from './002-partner-contract.js';

/** In the order of their names; each runs once per database. */
export const migrations = {
  '000-outbox': createOutboxTables,
  '001-business-partner': createBusinessPartnerTables,
  '002-partner-contract': createPartnerContract,
};
