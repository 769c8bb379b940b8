import { Mesh, type Service, type ServiceParts } from '@heddle/mesh';
import type { SettingsOf } from '@heddle/runtime';
import type { DynamicModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ContractController } from './contract.controller.js';
import { contractOpenApi } from './contract.openapi.js';
import { ContractReactions } from './contract.reactions.js';
import { ContractRepository, type ContractTables } from './contract.repository.js';
import { ContractService } from './contract.service.js';
import { CONTRACT_TYPES } from './contract.js';
import { DocumentUpload } from './document-upload.js';
import { Documents } from './documents.js';
import { migrations } from './migrations/migrations.js';
import type { settings } from './settings.js';

type Limits = Pick<SettingsOf<typeof settings>, 'limitDocumentBytes'>;

class ContractModule {
  static of({ db, outbox, relay, mesh }: ServiceParts<ContractTables>, { limitDocumentBytes }: Limits): DynamicModule {
    const documents = new Documents(db, limitDocumentBytes);
    const service = new ContractService(new ContractRepository(db), documents, outbox, relay);
    const upload = (host: HttpAdapterHost) => new DocumentUpload(host, service, limitDocumentBytes);
    return {
      module: ContractModule,
      controllers: [ContractController, ContractReactions],
      providers: [
        { provide: ContractService, useValue: service },
        { provide: Mesh, useValue: mesh },
        { provide: DocumentUpload, useFactory: upload, inject: [HttpAdapterHost] },
      ],
    };
  }
}

/** The microservice of contracts. */
export function contractService(limits: Limits): Service<ContractTables> {
  return {
    name: 'contract',
    types: CONTRACT_TYPES,
    reactsTo: ['business-partner'],
    migrations,
    openApi: contractOpenApi,
    module: (parts) => ContractModule.of(parts, limits),
  };
}
