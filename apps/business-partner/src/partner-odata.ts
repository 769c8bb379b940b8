import type { ServiceParts } from '@heddle/mesh';
import { openOData } from '@heddle/odata';
import type { FastifyInstance } from 'fastify';
import { BUSINESS_PARTNER_TYPES } from './business-partner.js';
import { BusinessPartnerRepository, type BusinessPartnerTables } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';
import { PartnerContracts } from './partner-contracts.js';
import { partnerEntities } from './partner-entities.js';

/** API_BUSINESS_PARTNER, as S/4HANA has it. */
export function openPartnerOData(
  server: FastifyInstance,
  { db, relay, outbox }: Pick<ServiceParts<BusinessPartnerTables>, 'db' | 'relay' | 'outbox'>,
): void {
  openOData<BusinessPartnerTables, BusinessPartnerService>(
    server,
    { db, relay },
    {
      model: partnerEntities,
      types: BUSINESS_PARTNER_TYPES,
      within: (tx, later) =>
        new BusinessPartnerService(new BusinessPartnerRepository(tx), new PartnerContracts(), outbox, later),
    },
  );
}
