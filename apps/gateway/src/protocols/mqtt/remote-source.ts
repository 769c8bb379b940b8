import type { Caller } from '@heddle/auth';
import { HeddleError, RAW_TOPIC, type StoredEvent, topicOf } from '@heddle/event';
import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import { DispatchedEvent } from '../../represent.js';
import { ElsewhereLeases, PULL_WAIT_MS, type PulledDelivery, eventWithState } from '../elsewhere-leases.js';
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
  /** Handed back they count as attempts, one for each time the client does not keep up. */
  readonly holdsOn = true;
  readonly #leases: ElsewhereLeases;
  readonly #closing = new Set<(reason: 'moved' | 'deleted') => void>();
  readonly #looking: NodeJS.Timeout;
  readonly #isThere: () => boolean;
  readonly #tenant: string;
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
    this.#tenant = caller.tenant;
    this.#isThere = () => hop.elsewhere(caller.tenant, name) === owner;
    this.#looking = setInterval(() => {
      if (!this.#isThere()) this.#end('moved');
    }, LOOK_MS).unref();
  }

  async waitFor({ max }: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]> {
    try {
      while (!signal.aborted && !this.#isClosed) {
        // Of the next owner leases are another source's.
        if (!this.#isThere()) this.#end('moved');
        if (this.#isClosed) break;
        const deliveries = await this.#leases.receive({ max, waitMs: PULL_WAIT_MS, leaseMs: LEASE_MS }, signal);
        if (deliveries.length > 0) return deliveries.map((delivery) => grantOf(delivery, this.#tenant));
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

/** What was pulled, as if it had been leased here. */
function grantOf(delivery: PulledDelivery, tenant: string): Grant {
  const { lease: token, expiresAt, attempt, redelivery, cycle = '' } = delivery;
  const dispatched = new DispatchedEvent(storedOf(eventWithState(delivery), tenant), 0, '', '');
  return {
    token,
    expiresAt: Date.parse(expiresAt),
    lease: { event: dispatched, lane: '', attempt, redelivery, cycle },
  };
}

function storedOf(
  { specversion: _one, data, data_base64: base64, ...attributes }: Record<string, unknown>,
  tenant: string,
): StoredEvent {
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
  const texts = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
  const value = bytes ?? Buffer.from(data === undefined ? '' : JSON.stringify(data));
  return {
    // Of an event of a type only whose it is counts from here on.
    topic: topicOf(texts['address'] === undefined ? 'elsewhere' : RAW_TOPIC, tenant),
    partition: 0,
    offset: 0,
    key: texts['partitionkey'] ?? texts['subject'] ?? '',
    appendedAt: 0,
    value,
    attributes: texts as StoredEvent['attributes'],
    data: bytes ?? data,
  };
}
