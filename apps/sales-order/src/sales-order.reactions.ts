import { type StoredEvent, canonicalKey } from '@heddle/event';
import type { ContractSigned, ContractTerminated } from '@heddle/schemas';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import type { KnownContract } from './known-contracts.js';
import { SalesOrderService } from './sales-order.service.js';

/** What sales orders learn from others: which business partners there are, and which contracts are in force. */
@Controller()
export class SalesOrderReactions {
  constructor(private readonly orders: SalesOrderService) {}

  @EventPattern<string>('sap.s4.beh.businesspartner.v1.*')
  async onBusinessPartner(event: StoredEvent): Promise<void> {
    await this.orders.knowPartner(canonicalKey(event.key), sequenceOf(event));
  }

  @EventPattern<string>('heddle.contract.v1.Contract.Signed.v1')
  async onContractSigned(event: StoredEvent): Promise<void> {
    await this.#know(event, (event.data as ContractSigned).Counterparty, 'SIGNED');
  }

  @EventPattern<string>('heddle.contract.v1.Contract.Terminated.v1')
  async onContractTerminated(event: StoredEvent): Promise<void> {
    await this.#know(event, (event.data as ContractTerminated).Counterparty, 'TERMINATED');
  }

  async #know(event: StoredEvent, counterparty: string, status: KnownContract['status']): Promise<void> {
    const partner = partnerOf(counterparty);
    if (partner === undefined) return;
    await this.orders.knowContract(canonicalKey(event.key), { partner, status, sequence: sequenceOf(event) });
  }
}

/** Zero for an event that was published from elsewhere: only owners number. */
function sequenceOf({ attributes }: StoredEvent): number {
  return Number(attributes['sequence'] ?? 0);
}

/** Nothing for what can be no number of a partner: no order will ever be sold to it, and so none be on its contract. */
function partnerOf(counterparty: string): string | undefined {
  try {
    return canonicalKey(counterparty);
  } catch {
    return undefined;
  }
}
