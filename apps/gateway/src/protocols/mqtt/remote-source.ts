import type { Caller } from '@heddle/auth';
import type { StoredEvent } from '@heddle/event';
import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import { DispatchedEvent } from '../../represent.js';
import { ElsewhereLeases, PULL_WAIT_MS, type PulledDelivery } from '../elsewhere-leases.js';
import type { Upstream } from '../protocol.js';
import { LEASE_MS } from './session.js';
import type { DeliverySource } from './source.js';

/** A queue that another instance works on: leased and settled by requests to that one, as a receiver that pulls would. */
export class RemoteSource implements DeliverySource {
  readonly #leases: ElsewhereLeases;
  #isClosed = false;

  constructor(
    readonly kind: DeliverySource['kind'],
    readonly name: string,
    readonly filter: string,
    caller: Caller,
    hop: Pick<Upstream, 'askQueue'>,
  ) {
    this.#leases = new ElsewhereLeases(hop, caller, name);
  }

  async waitFor({ max }: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]> {
    while (!signal.aborted && !this.#isClosed) {
      const deliveries = await this.#leases.receive({ max, waitMs: PULL_WAIT_MS, leaseMs: LEASE_MS }, signal);
      if (deliveries.length > 0) return deliveries.map(grantOf);
    }
    return [];
  }

  settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    return this.#leases.settle(settlements);
  }

  handBack(grants: readonly Grant[]): void {
    this.#leases.handBack(grants);
  }

  /** That is heard with the next request. */
  onClosed(): () => void {
    return () => undefined;
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** What was pulled, as if it had been leased here. */
function grantOf({ lease: token, expiresAt, event, attempt, redelivery, cycle = '' }: PulledDelivery): Grant {
  const dispatched = new DispatchedEvent(storedOf(event), 0, '', '');
  return {
    token,
    expiresAt: Date.parse(expiresAt),
    lease: { event: dispatched, lane: '', attempt, redelivery, cycle },
  };
}

function storedOf({
  specversion: _one,
  data,
  data_base64: base64,
  ...attributes
}: Record<string, unknown>): StoredEvent {
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
  const texts = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
  const isRaw = texts['address'] !== undefined;
  const value = bytes ?? Buffer.from(data === undefined ? '' : JSON.stringify(data));
  return {
    topic: isRaw ? 'heddle.raw' : '',
    partition: 0,
    offset: 0,
    key: texts['partitionkey'] ?? texts['subject'] ?? '',
    appendedAt: 0,
    value,
    attributes: texts as StoredEvent['attributes'],
    data: bytes ?? data,
  };
}
