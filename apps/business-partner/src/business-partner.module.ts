import type { Outbox, Relay } from '@heddle/outbox';
import type { DynamicModule } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { BusinessPartnerController } from './business-partner.controller.js';
import { BusinessPartnerRepository, type BusinessPartnerTables } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';

export class BusinessPartnerModule {
  static of(db: Kysely<BusinessPartnerTables>, outbox: Outbox, relay: Pick<Relay, 'wake'>): DynamicModule {
    const service = new BusinessPartnerService(new BusinessPartnerRepository(db), outbox, relay);
    return {
      module: BusinessPartnerModule,
      controllers: [BusinessPartnerController],
      providers: [{ provide: BusinessPartnerService, useValue: service }],
    };
  }
}
