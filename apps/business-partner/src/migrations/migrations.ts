import { createOutboxTables } from '@heddle/outbox';
import { createBusinessPartnerTables } from './001-business-partner.js';

/** In the order of their names; each runs once per database. */
export const migrations = {
  '000-outbox': createOutboxTables,
  '001-business-partner': createBusinessPartnerTables,
};
