import type { Caller } from '@heddle/auth';
import { CLOUDEVENTS_JSON_CONTENT_TYPE, HeddleError } from '@heddle/event';
import type { Message, MessageMode } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { SettleResult, Settlement } from '../../queues/lease-book.js';
import { bareOf } from './amqp.frames.js';
import { countBytes } from './message-sections.js';
import type { QueueSource, Taken, TakeWish } from './taken.js';

/** Asks the instance that works on a queue, on behalf of a caller. */
export interface QueueHop {
  /** @throws HeddleError its refusal; `queue-elsewhere` when nobody works on the queue now, or this instance does */
  askQueue(
    caller: Caller,
    queue: string,
    what: 'receive' | 'settle',
    body: unknown,
    signal?: AbortSignal,
  ): Promise<unknown>;
}

interface PulledDelivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle?: string;
  event: Record<string, unknown>;
  state?: { version: string; object?: unknown; gone?: true } | null;
}

/** How long another instance is asked to wait for deliveries, before it is asked again. */
const WAIT_MS = 20_000;
/** As many as one request may settle. */
const MAX_SETTLEMENTS = 1000;
const LEASE_MS = 30_000;

/**
 * A queue that another instance works on. The links of a connection go to queues of all instances, so that the connection
 * cannot be handed on as a whole; its leases are taken and settled by requests, as a receiver that pulls would.
 */
export class ElsewhereQueue implements QueueSource {
  constructor(
    private readonly hop: QueueHop,
    private readonly caller: Caller,
    private readonly name: string,
    private readonly namespaces: Namespaces,
  ) {}

  leaseMs(): number {
    return LEASE_MS;
  }

  async take({ max, leaseMs, mode }: TakeWish, signal: AbortSignal | undefined): Promise<Taken[]> {
    const waitMs = signal === undefined ? 0 : WAIT_MS;
    do {
      try {
        const answer = await this.hop.askQueue(this.caller, this.name, 'receive', { max, waitMs, leaseMs }, signal);
        const { deliveries } = answer as { deliveries: PulledDelivery[] };
        if (deliveries.length > 0 || signal === undefined) return deliveries.map((one) => this.#taken(one, mode));
      } catch (error) {
        if (signal?.aborted === true || (error instanceof HeddleError && error.retryable)) return [];
        throw error;
      }
    } while (!signal.aborted);
    return [];
  }

  async settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const results: SettleResult[] = [];
    for (let from = 0; from < settlements.length; from += MAX_SETTLEMENTS) {
      const part = settlements
        .slice(from, from + MAX_SETTLEMENTS)
        .map(({ token: lease, ...rest }) => ({ lease, ...rest }));
      const answer = await this.hop.askQueue(this.caller, this.name, 'settle', { settlements: part });
      for (const result of (answer as { results: SettleResult[] }).results) results.push(result);
    }
    return results;
  }

  /** Who is there hears of it as a release, for it was leased by a request that was answered. */
  handBack(taken: readonly Taken[]): void {
    if (taken.length === 0) return;
    const untouched = { action: 'release', delayMs: 0, reason: 'handed back unread' } as const;
    this.settle(taken.map(({ token }) => ({ token, ...untouched }))).catch(() => undefined);
  }

  /** That is heard with the next request. */
  onClosed(): () => void {
    return () => undefined;
  }

  close(): void {}

  #taken(
    { lease, expiresAt, event, state, attempt, redelivery, cycle = '' }: PulledDelivery,
    mode: MessageMode,
  ): Taken {
    return {
      token: lease,
      expiresAt: Date.parse(expiresAt),
      prefix: countBytes({ attempt, redelivery, cycle }),
      bare: bareOf(this.#message(stated(event, state), mode), undefined),
    };
  }

  #message(event: Record<string, unknown>, mode: MessageMode): Message {
    const { specversion: _always, data, data_base64: base64, datacontenttype, ...attributes } = event;
    const texts = Object.entries(attributes).map(([name, value]) => [name, String(value)] as const);
    const { id, type, address, namespace, expirytime } = attributes as Record<string, string | undefined>;
    const contentType = typeof datacontenttype === 'string' ? datacontenttype : '';
    const isRaw = address !== undefined;
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(jsonText(data));
    const isStructured = !isRaw && mode === 'structured';
    return {
      id: id ?? '',
      contentType: isStructured ? CLOUDEVENTS_JSON_CONTENT_TYPE : contentType,
      body: isStructured ? Buffer.from(JSON.stringify(event)) : bytes,
      address: address ?? `topic:${this.namespaces.topicOf(this.caller.tenant, type ?? '', namespace)}`,
      attributes: isStructured ? [] : texts,
      expiresAt: expirytime === undefined ? undefined : Date.parse(expirytime),
      isRaw,
    };
  }
}

/** A state as the extension attributes that it is in an event (`ObjectState.openAttributes`). */
function stated(event: Record<string, unknown>, state: PulledDelivery['state']): Record<string, unknown> {
  if (state === undefined || state === null) return event;
  const { version, object } = state;
  return {
    ...event,
    stateversion: version,
    ...(state.gone === true ? { stategone: true } : { state: JSON.stringify(object) }),
  };
}

function jsonText(data: unknown): string {
  return data === undefined ? '' : JSON.stringify(data);
}
