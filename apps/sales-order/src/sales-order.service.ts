import { HeddleError } from '@heddle/event';
import type { Outbox, Relay } from '@heddle/outbox';
import { type Expected, type OriginOfChange, checkExpected } from './preconditions.js';
import type { SalesOrderRepository, StoredOrder } from './sales-order.repository.js';
import type { ItemPatch, ListQuery, NewItem, NewOrder, OrderPatch, SalesOrder, Status } from './sales-order.shape.js';
import {
  type Change,
  type SalesOrderEvent,
  addItem,
  changeItem,
  changeOrder,
  createOrder,
  deleteItem,
  deleteOrder,
  setApprovalStatus,
  setDeliveryStatus,
} from './sales-order.js';

type Tx = Parameters<Parameters<SalesOrderRepository['transaction']>[0]>[0];

/** One method, one transaction: rule, repository, outbox; the relay is woken once it has committed. */
export class SalesOrderService {
  constructor(
    private readonly orders: SalesOrderRepository,
    private readonly outbox: Pick<Outbox, 'raise'>,
    private readonly relay: Pick<Relay, 'wake'>,
  ) {}

  /** @throws HeddleError `reference-unknown` for a partner not heard of yet, `conflict` for a number that is taken */
  async create(input: NewOrder, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#commit(async (tx) => {
      await this.#mustKnowPartner(tx, input.SoldToParty);
      for (;;) {
        const number = input.SalesOrder ?? (await this.orders.drawNumber(tx));
        const { order, events } = createOrder(input, number, new Date());
        const version = await this.orders.insert(tx, order);
        if (version !== undefined) {
          await this.#raise(tx, number, version, events, origin);
          return { key: number, version, isDeleted: false, order };
        }
        // A drawn number that a client had chosen before is passed over.
        if (input.SalesOrder !== undefined) {
          throw new HeddleError('conflict', `Sales order ${number} is there already.`, { field: 'SalesOrder' });
        }
      }
    });
  }

  /** The order, or its tombstone. @throws HeddleError `not-found` */
  async read(key: string): Promise<StoredOrder> {
    const stored = await this.orders.find(key);
    if (stored === undefined) throw notFound(key);
    return stored;
  }

  async list({ limit, after = '' }: ListQuery): Promise<{ orders: StoredOrder[]; hasMore: boolean }> {
    const orders = await this.orders.list(limit + 1, after);
    return { orders: orders.slice(0, limit), hasMore: orders.length > limit };
  }

  change(key: string, patch: OrderPatch, expected: Expected, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#change(key, expected, origin, async (order, now, tx) => {
      const { SoldToParty } = patch;
      if (SoldToParty !== undefined && SoldToParty !== order.SoldToParty) await this.#mustKnowPartner(tx, SoldToParty);
      return changeOrder(order, patch, now);
    });
  }

  delete(key: string, expected: Expected, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#change(key, expected, origin, (order, now) => ({ ...deleteOrder(order, now), isDeleted: true }));
  }

  async addItem(
    key: string,
    input: NewItem,
    expected: Expected,
    origin: OriginOfChange,
  ): Promise<StoredOrder & { item: string }> {
    let item = '';
    const stored = await this.#change(key, expected, origin, (order, now) => {
      const change = addItem(order, input, now);
      item = change.item.SalesOrderItem;
      return change;
    });
    return { ...stored, item };
  }

  changeItem(
    key: string,
    item: string,
    patch: ItemPatch,
    expected: Expected,
    origin: OriginOfChange,
  ): Promise<StoredOrder> {
    return this.#change(key, expected, origin, (order, now) => changeItem(order, item, patch, now));
  }

  deleteItem(key: string, item: string, expected: Expected, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#change(key, expected, origin, (order, now) => deleteItem(order, item, now));
  }

  setApprovalStatus(key: string, status: Status, expected: Expected, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#change(key, expected, origin, (order, now) => setApprovalStatus(order, status, now));
  }

  setDeliveryStatus(key: string, status: Status, expected: Expected, origin: OriginOfChange): Promise<StoredOrder> {
    return this.#change(key, expected, origin, (order, now) => setDeliveryStatus(order, status, now));
  }

  /** A business partner exists, as its owner says. */
  knowPartner(key: string, sequence: number): Promise<void> {
    return this.orders.knowPartner(key, sequence);
  }

  /** Applies a rule to the order as it is now; a rule that raises nothing leaves it and its version alone. */
  async #change(
    key: string,
    expected: Expected,
    origin: OriginOfChange,
    rule: (order: SalesOrder, now: Date, tx: Tx) => Outcome | Promise<Outcome>,
  ): Promise<StoredOrder> {
    return this.#commit(async (tx) => {
      const stored = await this.orders.lock(tx, key);
      if (stored === undefined) throw notFound(key);
      if (stored.isDeleted) throw gone(stored);
      checkExpected(expected, stored.version);
      const { order, events, isDeleted = false } = await rule(stored.order, new Date(), tx);
      if (events.length === 0) return stored;
      const after: StoredOrder = { key, version: stored.version + 1, isDeleted, order };
      // Both go to the server together; a failure of either rolls back both.
      await Promise.all([this.orders.update(tx, after), this.#raise(tx, key, after.version, events, origin)]);
      return after;
    });
  }

  async #commit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.orders.transaction(work);
    this.relay.wake();
    return result;
  }

  #raise(
    tx: Tx,
    key: string,
    version: number,
    events: readonly SalesOrderEvent[],
    origin: OriginOfChange,
  ): Promise<void> {
    return this.outbox.raise(
      tx,
      events.map(({ type, data }) => ({ type, key, data, version, ...origin })),
    );
  }

  async #mustKnowPartner(tx: Tx, key: string): Promise<void> {
    if (await this.orders.isPartnerKnown(tx, key)) return;
    throw new HeddleError(
      'reference-unknown',
      `Business partner ${key} is not known here yet: if it was created just now, try again in a moment.`,
      { field: 'SoldToParty', retryAfterSeconds: 1 },
    );
  }
}

type Outcome = Change & { isDeleted?: boolean };

function notFound(key: string): HeddleError {
  return new HeddleError('not-found', `There is no sales order ${key}.`);
}

/** The error for a deleted order; its version goes into the ETag. */
export function gone({ key, version }: StoredOrder): HeddleError {
  return new HeddleError('object-gone', `Sales order ${key} was deleted; that is its version ${version}.`);
}
