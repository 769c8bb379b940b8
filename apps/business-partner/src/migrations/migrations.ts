import { createOutboxTables } from '@heddle/outbox';
import { createBusinessPartnerTables } from './001-business-partner.js';
import { createPartnerContract } from './002-partner-contract.js';
import { completeBusinessPartners } from './003-complete-partners.js';
import { createEntityViews } from './004-entity-views.js';

/** In the order of their names; each runs once per database. */
export const migrations = {
  '000-outbox': createOutboxTables,
  '001-business-partner': createBusinessPartnerTables,
  '002-partner-contract': createPartnerContract,
  '003-complete-partners': completeBusinessPartners,
  '004-entity-views': createEntityViews,
};
