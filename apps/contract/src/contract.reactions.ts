import { canonicalKey, sequenceOf } from '@heddle/event';
import { type EventOf, Handles, Mesh } from '@heddle/mesh';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { Controller } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { ContractTables } from './contract.repository.js';
import { ContractService } from './contract.service.js';

/** What contracts learn from others: which business partners there are. */
@Controller()
export class ContractReactions {
  constructor(
    private readonly contracts: ContractService,
    private readonly mesh: Mesh<BusinessPartnerEvents, Transaction<ContractTables>>,
  ) {}

  @Handles('sap.s4.beh.businesspartner.v1.*')
  async onBusinessPartner(event: EventOf<BusinessPartnerEvents>): Promise<void> {
    await this.mesh.inbox.once(event, (tx) =>
      this.contracts.knowPartner(tx, canonicalKey(event.key), sequenceOf(event)),
    );
  }
}
