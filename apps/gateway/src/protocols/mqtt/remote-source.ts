import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import { ElsewhereLeases, PULL_WAIT_MS } from '../elsewhere-leases.js';
import type { Upstream } from '../protocol.js';
import { LEASE_MS } from './session.js';
import type { DeliverySource } from './source.js';

/** How often it is looked whether the queue is still where it was: who has died in its sleep does not say so. */
const LOOK_MS = 1000;

/**
 * A queue that another instance works on: leased and settled by requests to that one, as a receiver that pulls would. It
 * is closed as soon as that instance does not answer, or does not have the queue any more.
 */
export class RemoteSource implements DeliverySource {
  /** Handed back they would go over the network twice, each time the client does not keep up. */
  readonly holdsOn = true;
  readonly #leases: ElsewhereLeases;
  readonly #closing = new Set<(reason: 'moved' | 'deleted') => void>();
  readonly #looking: NodeJS.Timeout;
  readonly #isThere: () => boolean;
  #isClosed = false;

  /** @param owner the address of the instance */
  constructor(
    readonly kind: DeliverySource['kind'],
    readonly name: string,
    readonly filter: string,
    caller: Caller,
    hop: Pick<Upstream, 'askQueue' | 'elsewhere'>,
    owner: string,
  ) {
    this.#leases = new ElsewhereLeases(hop, caller, name);
    this.#isThere = () => hop.elsewhere(caller.tenant, name) === owner;
    this.#looking = setInterval(() => {
      if (!this.#isThere()) this.#end('moved');
    }, LOOK_MS).unref();
  }

  async waitFor({ max, receiver }: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]> {
    try {
      while (!signal.aborted && !this.#isClosed) {
        // Of the next owner leases are another source's.
        if (!this.#isThere()) this.#end('moved');
        if (this.#isClosed) break;
        const wish = { max, waitMs: PULL_WAIT_MS, leaseMs: LEASE_MS, receiver };
        const grants = await this.#leases.receive(wish, signal);
        if (grants.length > 0) return grants;
      }
    } catch (error) {
      if (!signal.aborted) this.#end(isForGood(error) ? 'deleted' : 'moved');
    }
    return [];
  }

  settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    return this.#leases.settle(settlements);
  }

  handBack(grants: readonly Grant[]): void {
    this.#leases.handBack(grants);
  }

  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void {
    this.#closing.add(callback);
    return () => this.#closing.delete(callback);
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.clear();
    clearInterval(this.#looking);
  }

  #end(reason: 'moved' | 'deleted'): void {
    const closing = [...this.#closing];
    this.close();
    for (const callback of closing) callback(reason);
  }
}

/** An instance that stops does not know its queues any more; whether one is gone, whoever looks for it again finds out. */
function isForGood(error: unknown): boolean {
  return error instanceof HeddleError && !error.retryable && error.code !== 'not-found';
}
