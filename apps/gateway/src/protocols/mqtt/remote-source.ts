import type { Caller } from '@heddle/auth';
import type { StoredEvent } from '@heddle/event';
import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import type { Lease } from '../../queues/lease.js';
import { DispatchedEvent } from '../../represent.js';
import type { Upstream } from '../protocol.js';
import { LEASE_MS } from './session.js';
import type { DeliverySource } from './source.js';

/** As `POST /v1/queues/{name}/receive` has it. */
interface PulledDelivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: Lease['redelivery'];
  cycle?: string;
  event: Record<string, unknown>;
}

/** How long another instance is asked to wait, before it is asked again. */
const WAIT_MS = 20_000;
/** What one request may settle. */
const MAX_SETTLEMENTS = 1000;

/** A queue that another instance works on: leased and settled by requests to that one, as a receiver that pulls would. */
export class RemoteSource implements DeliverySource {
  #isClosed = false;

  constructor(
    readonly kind: DeliverySource['kind'],
    readonly name: string,
    readonly filter: string,
    private readonly caller: Caller,
    private readonly hop: Pick<Upstream, 'askQueue'>,
  ) {}

  async waitFor({ max }: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]> {
    while (!signal.aborted && !this.#isClosed) {
      const wish = { max, waitMs: WAIT_MS, leaseMs: LEASE_MS };
      const answer = await this.hop.askQueue(this.caller, this.name, 'receive', wish, signal);
      const { deliveries } = answer as { deliveries: PulledDelivery[] };
      if (deliveries.length > 0) return deliveries.map(grantOf);
    }
    return [];
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const results: SettleResult[] = [];
    for (let from = 0; from < settlements.length; from += MAX_SETTLEMENTS) {
      const part = settlements
        .slice(from, from + MAX_SETTLEMENTS)
        .map(({ token: lease, ...rest }) => ({ lease, ...rest }));
      const answer = await this.hop.askQueue(this.caller, this.name, 'settle', { settlements: part });
      results.push(...(answer as { results: SettleResult[] }).results);
    }
    return results;
  }

  /** Released, for the request that leased them was answered: an attempt, though nobody saw it. */
  handBack(grants: readonly Grant[]): void {
    const untouched = { action: 'release', delayMs: 0, reason: 'handed back unread' } as const;
    this.settle(grants.map(({ token }) => ({ token, ...untouched }))).catch(() => undefined);
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
