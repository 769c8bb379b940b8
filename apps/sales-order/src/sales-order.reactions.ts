import { canonicalKey, sequenceOf } from '@heddle/event';
import { type EventOf, Handles, Mesh, type StoredEvent } from '@heddle/mesh';
import type { BusinessPartnerEvents, ContractEvents } from '@heddle/schemas';
import { Controller } from '@nestjs/common';
import type { Transaction } from 'kysely';
import type { KnownContract } from './known-contracts.js';
import type { SalesOrderTables } from './sales-order.repository.js';
import { SalesOrderService } from './sales-order.service.js';

type Events = BusinessPartnerEvents & ContractEvents;

/** What sales orders learn from others: which business partners there are, and which contracts are in force. */
@Controller()
export class SalesOrderReactions {
  constructor(
    private readonly orders: SalesOrderService,
    private readonly mesh: Mesh<Events, Transaction<SalesOrderTables>>,
  ) {}

  @Handles('sap.s4.beh.businesspartner.v1.*')
  async onBusinessPartner(event: EventOf<Events, 'sap.s4.beh.businesspartner.v1.*'>): Promise<void> {
    await this.mesh.inbox.once(event, (tx) => this.orders.knowPartner(tx, canonicalKey(event.key), sequenceOf(event)));
  }

  @Handles('heddle.contract.v1.Contract.Signed.v1')
  async onContractSigned(event: EventOf<Events, 'heddle.contract.v1.Contract.Signed.v1'>): Promise<void> {
    await this.#know(event, event.data.Counterparty, 'SIGNED');
  }

  @Handles('heddle.contract.v1.Contract.Terminated.v1')
  async onContractTerminated(event: EventOf<Events, 'heddle.contract.v1.Contract.Terminated.v1'>): Promise<void> {
    await this.#know(event, event.data.Counterparty, 'TERMINATED');
  }

  async #know(event: StoredEvent, counterparty: string, status: KnownContract['status']): Promise<void> {
    const partner = partnerOf(counterparty);
    if (partner === undefined) return;
    const contract = { partner, status, sequence: sequenceOf(event) };
    await this.mesh.inbox.once(event, (tx) => this.orders.knowContract(tx, canonicalKey(event.key), contract));
  }
}

/** Nothing for what can be no number of a partner: no order will ever be sold to it, and so none be on its contract. */
function partnerOf(counterparty: string): string | undefined {
  try {
    return canonicalKey(counterparty);
  } catch {
    return undefined;
  }
}
