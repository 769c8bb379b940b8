import { Mesh, type Service, type ServiceParts } from '@heddle/mesh';
import type { DynamicModule } from '@nestjs/common';
import { BusinessPartnerController } from './business-partner.controller.js';
import { businessPartnerOpenApi } from './business-partner.openapi.js';
import { BusinessPartnerReactions } from './business-partner.reactions.js';
import { BusinessPartnerRepository, type BusinessPartnerTables } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';
import { BUSINESS_PARTNER_TYPES } from './business-partner.js';
import { migrations } from './migrations/migrations.js';
import { PartnerContracts } from './partner-contracts.js';
import { openPartnerOData } from './partner-odata.js';

class BusinessPartnerModule {
  static of({ db, outbox, relay, mesh }: ServiceParts<BusinessPartnerTables>): DynamicModule {
    const service = new BusinessPartnerService(
      new BusinessPartnerRepository(db),
      new PartnerContracts(),
      outbox,
      relay,
    );
    return {
      module: BusinessPartnerModule,
      controllers: [BusinessPartnerController, BusinessPartnerReactions],
      providers: [
        { provide: BusinessPartnerService, useValue: service },
        { provide: Mesh, useValue: mesh },
      ],
    };
  }
}

/** The microservice of business partners. */
export const businessPartner: Service<BusinessPartnerTables> = {
  name: 'business-partner',
  types: BUSINESS_PARTNER_TYPES,
  reactsTo: ['contract'],
  migrations,
  openApi: businessPartnerOpenApi,
  module: (parts) => BusinessPartnerModule.of(parts),
  routes: openPartnerOData,
};
