import type { Flow } from '../../queues/flows.js';
import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import type { OpenQueue } from '../open-queue.js';
import { LEASE_MS } from './session.js';
import type { DeliverySource } from './source.js';

/** A queue at work at this instance, as a session takes from it. */
export class LocalSource implements DeliverySource {
  #isClosed = false;
  /** One receiver that stays: on an exclusive queue the first is given all, the others stand by. */
  readonly #flow: Flow;
  #forget: (() => void)[] = [];

  constructor(
    readonly kind: DeliverySource['kind'],
    private readonly queue: OpenQueue,
    readonly filter = '',
  ) {
    this.#flow = queue.book.open();
  }

  /** In its own queue a message that comes later comes behind. */
  get holdsOn(): boolean {
    return this.kind === 'own';
  }

  get name(): string {
    return this.queue.name;
  }

  async waitFor(wish: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]> {
    if (this.#isClosed) return [];
    return this.queue.book.waitFor({ ...wish, leaseMs: LEASE_MS, flow: this.#flow }, Infinity, signal);
  }

  settle(settlements: readonly Settlement[]): readonly SettleResult[] | Promise<readonly SettleResult[]> {
    const results = this.queue.book.settle(settlements);
    // With its own queue a session ends or moves; with any other it goes on, and has to know what the next owner knows.
    return this.kind === 'own' ? results : this.queue.settled().then(() => results);
  }

  handBack(grants: readonly Grant[]): void {
    this.queue.book.handBack(grants);
  }

  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void {
    const forget = this.queue.onClosed(callback);
    this.#forget.push(forget);
    return forget;
  }

  close(): void {
    this.#isClosed = true;
    this.#flow.close();
    for (const forget of this.#forget) forget();
    this.#forget = [];
  }
}
