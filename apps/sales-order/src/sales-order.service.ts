import { HeddleError } from '@heddle/event';
import {
  type ChangeRequest,
  type Decision,
  type ListQuery,
  ObjectChanges,
  type OriginOfChange,
  type Page,
  type Stored,
  readPage,
} from '@heddle/mesh';
import type { Outbox, Relay } from '@heddle/outbox';
import type { Transaction } from 'kysely';
import type { KnownContract, KnownContracts } from './known-contracts.js';
import { customersIn } from './order-partners.js';
import type { SalesOrderRepository, SalesOrderTables } from './sales-order.repository.js';
import type { ItemPatch, NewItem, SalesOrderItem, Status } from './sales-order-item.shape.js';
import type { CreditStatus, NewOrder, OrderPatch, SalesOrder } from './sales-order.shape.js';
import {
  type Change,
  addItem,
  changeItem,
  changeOrder,
  createOrder,
  deleteItem,
  deleteOrder,
  itemOf,
  rejectItem,
  setApprovalStatus,
  setCreditStatus,
  setDeliveryStatus,
  setItemDeliveryStatus,
} from './sales-order.js';

type StoredOrder = Stored<SalesOrder>;

/** One method, one transaction: rule, repository, outbox. */
export class SalesOrderService {
  readonly #changes: ObjectChanges<SalesOrderTables, SalesOrder>;

  constructor(
    private readonly orders: SalesOrderRepository,
    private readonly contracts: KnownContracts,
    outbox: Pick<Outbox, 'raise'>,
    relay: Pick<Relay, 'wake'>,
  ) {
    this.#changes = new ObjectChanges({ name: 'sales order', keyField: 'SalesOrder' }, orders, outbox, relay);
  }

  /**
   * @throws HeddleError `reference-unknown` for a partner or a signed contract not heard of yet, `conflict` for a number
   *   that is taken, and for a contract that is terminated or with another partner
   */
  create(input: NewOrder, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#changes.create(
      input.SalesOrder,
      origin,
      (number, now) => decision(createOrder(input, number, now)),
      async (tx) => {
        await this.#mustFit(tx, input);
        await this.#mustKnowAll(tx, customersIn(input));
      },
    );
  }

  /** The order, or its tombstone. @throws HeddleError `not-found` */
  read(key: string): Promise<StoredOrder> {
    return this.#changes.read(key);
  }

  list(query: ListQuery): Promise<Page<SalesOrder>> {
    return readPage(this.orders, query);
  }

  /** @param given the patch, or what it is to be of the order as it is then */
  change(request: ChangeRequest, given: OrderPatch | ((order: SalesOrder) => OrderPatch)): Promise<StoredOrder> {
    return this.#changes.change(request, async (order, now, tx) => {
      const patch = typeof given === 'function' ? given(order) : given;
      const { SoldToParty = order.SoldToParty, Contract = order.Contract } = patch;
      // What the order is on already stays, whatever has become of it since.
      if (SoldToParty !== order.SoldToParty || Contract !== order.Contract) {
        await this.#mustFit(tx, { SoldToParty, Contract });
      }
      await this.#mustKnowAll(tx, customersIn(patch));
      return decision(changeOrder(order, patch, now));
    });
  }

  delete(request: ChangeRequest): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => ({ ...decision(deleteOrder(order, now)), isDeleted: true }));
  }

  async addItem(request: ChangeRequest, input: NewItem): Promise<StoredOrder & { item: string }> {
    let item = '';
    const stored = await this.#changes.change(request, async (order, now, tx) => {
      await this.#mustKnowAll(tx, customersIn(input));
      const change = addItem(order, input, now);
      item = change.item.SalesOrderItem;
      return decision(change);
    });
    return { ...stored, item };
  }

  /** @param given the patch, or what it is to be of the item as it is then */
  changeItem(
    request: ChangeRequest,
    item: string,
    given: ItemPatch | ((item: SalesOrderItem) => ItemPatch),
  ): Promise<StoredOrder> {
    return this.#changes.change(request, async (order, now, tx) => {
      const patch = typeof given === 'function' ? given(itemOf(order, item)) : given;
      await this.#mustKnowAll(tx, customersIn(patch));
      return decision(changeItem(order, item, patch, now));
    });
  }

  /** With an empty reason, what was rejected no longer is. */
  rejectItem(request: ChangeRequest, item: string, reason: string): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(rejectItem(order, item, reason, now)));
  }

  deleteItem(request: ChangeRequest, item: string): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(deleteItem(order, item, now)));
  }

  setApprovalStatus(request: ChangeRequest, status: Status): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(setApprovalStatus(order, status, now)));
  }

  setCreditStatus(request: ChangeRequest, status: CreditStatus): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(setCreditStatus(order, status, now)));
  }

  setDeliveryStatus(request: ChangeRequest, status: Status): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(setDeliveryStatus(order, status, now)));
  }

  setItemDeliveryStatus(request: ChangeRequest, item: string, status: Status): Promise<StoredOrder> {
    return this.#changes.change(request, (order, now) => decision(setItemDeliveryStatus(order, item, status, now)));
  }

  /** A business partner exists, as its owner says. */
  knowPartner(tx: Transaction<SalesOrderTables>, key: string, sequence: number): Promise<void> {
    return this.orders.knowPartner(tx, key, sequence);
  }

  /** What a contract has come to, as its events say. */
  knowContract(tx: Transaction<SalesOrderTables>, key: string, contract: KnownContract): Promise<void> {
    return this.contracts.know(tx, key, contract);
  }

  async #mustFit(
    tx: Transaction<SalesOrderTables>,
    { SoldToParty, Contract }: Pick<SalesOrder, 'SoldToParty' | 'Contract'>,
  ): Promise<void> {
    await this.#mustKnowPartner(tx, SoldToParty, 'SoldToParty');
    if (Contract !== '') await this.contracts.mustAllow(tx, Contract, SoldToParty);
  }

  /** Whom an order names besides. */
  async #mustKnowAll(tx: Transaction<SalesOrderTables>, keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#mustKnowPartner(tx, key, 'to_Partner');
  }

  async #mustKnowPartner(tx: Transaction<SalesOrderTables>, key: string, field: string): Promise<void> {
    if (await this.orders.isPartnerKnown(tx, key)) return;
    throw new HeddleError(
      'reference-unknown',
      `Business partner ${key} is not known here yet: if it was created just now, try again in a moment.`,
      { field, retryAfterSeconds: 1 },
    );
  }
}

function decision({ order, events }: Change): Decision<SalesOrder> {
  return { state: order, events };
}
