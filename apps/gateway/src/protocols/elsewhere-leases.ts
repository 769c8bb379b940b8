import type { Caller } from '@heddle/auth';
import type { SettleResult, Settlement } from '../queues/lease-book.js';
import type { Lease } from '../queues/lease.js';
import type { Upstream } from './protocol.js';

/** A delivery as `POST /v1/queues/{name}/receive` has it. */
export interface PulledDelivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: Lease['redelivery'];
  cycle?: string;
  event: Record<string, unknown>;
  state?: { version: string; object?: unknown; gone?: true } | null;
}

/** An event with the state of its object as the extension attributes that it is in one (`ObjectState.openAttributes`). */
export function eventWithState({
  event,
  state,
}: Pick<PulledDelivery, 'event'> & { state?: PulledDelivery['state'] | undefined }): Record<string, unknown> {
  if (state === undefined || state === null) return event;
  const { version, object } = state;
  return {
    ...event,
    stateversion: version,
    ...(state.gone === true ? { stategone: true } : { state: JSON.stringify(object) }),
  };
}

/** How long another instance is asked to wait for deliveries, before it is asked again. */
export const PULL_WAIT_MS = 20_000;
/** As many as one request may settle. */
const MAX_SETTLEMENTS = 1000;

/**
 * Leases of a queue that another instance works on, for connections that cannot be handed on as a whole: taken and settled
 * by requests to that instance, as a receiver that pulls would.
 */
export class ElsewhereLeases {
  constructor(
    private readonly hop: Pick<Upstream, 'askQueue'>,
    private readonly caller: Caller,
    private readonly queue: string,
  ) {}

  /** @throws HeddleError as `Upstream.askQueue` */
  async receive(
    wish: { max: number; waitMs: number; leaseMs: number | undefined },
    signal: AbortSignal | undefined,
  ): Promise<readonly PulledDelivery[]> {
    const answer = await this.hop.askQueue(this.caller, this.queue, 'receive', wish, signal);
    return (answer as { deliveries: PulledDelivery[] }).deliveries;
  }

  /** In their order, each with its answer. @throws HeddleError as `Upstream.askQueue` */
  async settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const results: SettleResult[] = [];
    for (let from = 0; from < settlements.length; from += MAX_SETTLEMENTS) {
      const part = settlements
        .slice(from, from + MAX_SETTLEMENTS)
        .map(({ token: lease, ...rest }) => ({ lease, ...rest }));
      const answer = await this.hop.askQueue(this.caller, this.queue, 'settle', { settlements: part });
      for (const result of (answer as { results: SettleResult[] }).results) results.push(result);
    }
    return results;
  }

  /** Released, for the request that leased them was answered: an attempt, though nobody saw it. */
  handBack(leases: readonly { token: string }[]): void {
    if (leases.length === 0) return;
    const untouched = { action: 'release', delayMs: 0, reason: 'handed back unread' } as const;
    this.settle(leases.map(({ token }) => ({ token, ...untouched }))).catch(() => undefined);
  }
}
