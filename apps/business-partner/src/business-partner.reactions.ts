import { canonicalKey, sequenceOf } from '@heddle/event';
import { type EventOf, Handles, Mesh, type StoredEvent } from '@heddle/mesh';
import type { ContractEvents } from '@heddle/schemas';
import { Controller } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { BusinessPartnerTables } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';
import type { HeardContract } from './partner-contracts.js';

/** What business partners learn from others: which contracts are in force with them. */
@Controller()
export class BusinessPartnerReactions {
  constructor(
    private readonly partners: BusinessPartnerService,
    private readonly mesh: Mesh<ContractEvents, Transaction<BusinessPartnerTables>>,
  ) {}

  @Handles('heddle.contract.v1.Contract.Signed.v1')
  async onContractSigned(event: EventOf<ContractEvents, 'heddle.contract.v1.Contract.Signed.v1'>): Promise<void> {
    await this.#hear(event, event.data.Counterparty, 'SIGNED');
  }

  @Handles('heddle.contract.v1.Contract.Terminated.v1')
  async onContractTerminated(
    event: EventOf<ContractEvents, 'heddle.contract.v1.Contract.Terminated.v1'>,
  ): Promise<void> {
    await this.#hear(event, event.data.Counterparty, 'TERMINATED');
  }

  async #hear(event: StoredEvent, counterparty: string, status: HeardContract['status']): Promise<void> {
    const partner = partnerOf(counterparty);
    if (partner === undefined) return;
    const contract = { partner, status, sequence: sequenceOf(event) };
    await this.mesh.inbox.once(event, (tx) => this.partners.hearOfContract(tx, canonicalKey(event.key), contract));
  }
}

/** Nothing for what can be no number of a partner: it is about nobody here. */
function partnerOf(counterparty: string): string | undefined {
  try {
    return canonicalKey(counterparty);
  } catch {
    return undefined;
  }
}
