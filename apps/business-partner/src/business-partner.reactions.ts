import { type StoredEvent, canonicalKey } from '@heddle/event';
import type { ContractSigned, ContractTerminated } from '@heddle/schemas';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { BusinessPartnerService } from './business-partner.service.js';
import type { HeardContract } from './partner-contracts.js';

/** What business partners learn from others: which contracts are in force with them. */
@Controller()
export class BusinessPartnerReactions {
  constructor(private readonly partners: BusinessPartnerService) {}

  @EventPattern<string>('heddle.contract.v1.Contract.Signed.v1')
  async onContractSigned(event: StoredEvent): Promise<void> {
    await this.#hear(event, (event.data as ContractSigned).Counterparty, 'SIGNED');
  }

  @EventPattern<string>('heddle.contract.v1.Contract.Terminated.v1')
  async onContractTerminated(event: StoredEvent): Promise<void> {
    await this.#hear(event, (event.data as ContractTerminated).Counterparty, 'TERMINATED');
  }

  async #hear(event: StoredEvent, counterparty: string, status: HeardContract['status']): Promise<void> {
    const partner = partnerOf(counterparty);
    if (partner === undefined) return;
    // Only owners number: what was published from elsewhere has no sequence.
    const sequence = Number(event.attributes['sequence'] ?? 0);
    await this.partners.hearOfContract(canonicalKey(event.key), { partner, status, sequence });
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
