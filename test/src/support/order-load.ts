import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from './chance.js';
import type { Answer } from './http-call.js';
import { type Orders, freshKey } from './orders.js';

const PAUSE_WHEN_AWAY_MS = 25;
/** Between the requests of a worker: the load is to leave the processes time to start. */
const PAUSE_MS = 5;
const REFUSED_SHARE = 0.2;
const MAX_CHANGES = 4;

/**
 * Creates and changes orders all the time, some of it such that it is refused and rolled back, and remembers what was
 * acknowledged. A request without an answer may have been committed or not: its order is left alone from then on.
 */
export class OrderLoad {
  /** The highest version that was acknowledged, of each order that was asked for. */
  readonly acknowledged = new Map<string, number>();
  /** Requests that were never answered. */
  unanswered = 0;
  refused = 0;
  #workers: Promise<void>[];
  #isOver = false;

  constructor(
    private readonly orders: readonly Orders[],
    private readonly partner: string,
    private readonly chance: Chance,
    workers = 6,
  ) {
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) await this.#one(freshKey());
  }

  /** The life of one order: it is created, and changed a few times. */
  async #one(key: string): Promise<void> {
    this.acknowledged.set(key, 0);
    if (!(await this.#ask((orders) => orders.create(key, this.partner), key, 1))) return;
    if (this.chance.next() < REFUSED_SHARE) await this.#ask((orders) => orders.create(key, this.partner), key);
    const changes = this.chance.between(0, MAX_CHANGES);
    for (let version = 1; version <= changes && !this.#isOver; version += 1) {
      const patch = { PurchaseOrderByCustomer: `PO-${version}` };
      if (this.chance.next() < REFUSED_SHARE) await this.#ask((orders) => orders.change(key, patch, '"99"'), key);
      if (!(await this.#ask((orders) => orders.change(key, patch, `"${version}"`), key, version + 1))) return;
    }
  }

  /** Whether it was done; with `version`, what it leads to. */
  async #ask(request: (orders: Orders) => Promise<Answer>, key: string, version?: number): Promise<boolean> {
    await delay(PAUSE_MS);
    const orders = this.orders[this.chance.between(0, this.orders.length - 1)]!;
    try {
      const { status } = await request(orders);
      if (status >= 400) this.refused += 1;
      else if (version !== undefined) this.acknowledged.set(key, version);
      return status < 400;
    } catch {
      this.unanswered += 1;
      await delay(PAUSE_WHEN_AWAY_MS);
      return false;
    }
  }
}
