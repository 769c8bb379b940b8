import { type StoredEvent, canonicalKey } from '@heddle/event';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { ContractService } from './contract.service.js';

/** What contracts learn from others: which business partners there are. */
@Controller()
export class ContractReactions {
  constructor(private readonly contracts: ContractService) {}

  @EventPattern<string>('sap.s4.beh.businesspartner.v1.*')
  async onBusinessPartner(event: StoredEvent): Promise<void> {
    await this.contracts.knowPartner(canonicalKey(event.key), Number(event.attributes['sequence'] ?? 0));
  }
}
