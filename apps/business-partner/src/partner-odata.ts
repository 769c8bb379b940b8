import { type Caller, requirePermission } from '@heddle/auth';
import type { ServiceParts } from '@heddle/mesh';
import { ODataService, serveOData } from '@heddle/odata';
import { HTTP_LIMITS } from '@heddle/runtime';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { BUSINESS_PARTNER_TYPES } from './business-partner.js';
import { BusinessPartnerRepository, type BusinessPartnerTables } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';
import { PartnerContracts } from './partner-contracts.js';
import { partnerEntities } from './partner-entities.js';
import { PartnerWrites } from './partner-writes.js';

type Parts = Pick<ServiceParts<BusinessPartnerTables>, 'db' | 'outbox' | 'relay'>;

/** API_BUSINESS_PARTNER under its path on S/4HANA: routes outside of Nest's controllers, for batches are no JSON. */
export class PartnerOData implements OnModuleInit {
  readonly #service: ODataService<PartnerWrites>;

  constructor(
    private readonly host: HttpAdapterHost,
    { db, outbox, relay }: Parts,
  ) {
    // Woken once, when all of the transaction is there to be carried over.
    const later = { wake: () => undefined };
    this.#service = new ODataService({
      model: partnerEntities,
      db,
      change: async (work) => {
        const result = await db.transaction().execute((tx) => {
          const partners = new BusinessPartnerRepository(tx);
          const service = new BusinessPartnerService(partners, new PartnerContracts(), outbox, later);
          return work(new PartnerWrites(service, partners, tx), tx);
        });
        relay.wake();
        return result;
      },
    });
  }

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    serveOData(server, this.#service, { limits: HTTP_LIMITS, mustBeAllowedToChange });
  }
}

/** Changes raise any of the types: whoever makes them in a batch may publish all, as at every other route. */
function mustBeAllowedToChange(caller: Caller): void {
  for (const type of BUSINESS_PARTNER_TYPES) requirePermission(caller, 'publish', 'type', type);
}
