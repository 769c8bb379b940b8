import type { Caller } from '@heddle/auth';
import { CLOUDEVENTS_JSON_CONTENT_TYPE, HeddleError } from '@heddle/event';
import type { Message, MessageMode } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { SettleResult, Settlement } from '../../queues/lease-book.js';
import { ElsewhereLeases, PULL_WAIT_MS, type PulledDelivery, eventWithState } from '../elsewhere-leases.js';
import type { Upstream } from '../protocol.js';
import { bareOf } from './amqp.frames.js';
import { priorityOf } from './message-header.js';
import { countBytes } from './message-sections.js';
import type { QueueSource, Taken, TakeWish } from './taken.js';

const LEASE_MS = 30_000;

/**
 * A queue that another instance works on. The links of a connection go to queues of all instances, so that the connection
 * cannot be handed on as a whole; its leases are taken and settled by requests, as a receiver that pulls would.
 */
export class ElsewhereQueue implements QueueSource {
  readonly #leases: ElsewhereLeases;

  constructor(
    hop: Pick<Upstream, 'askQueue'>,
    private readonly caller: Caller,
    name: string,
    private readonly namespaces: Namespaces,
  ) {
    this.#leases = new ElsewhereLeases(hop, caller, name);
  }

  leaseMs(): number {
    return LEASE_MS;
  }

  async take({ max, leaseMs, mode }: TakeWish, signal: AbortSignal | undefined): Promise<Taken[]> {
    const waitMs = signal === undefined ? 0 : PULL_WAIT_MS;
    do {
      try {
        const deliveries = await this.#leases.receive({ max, waitMs, leaseMs }, signal);
        if (deliveries.length > 0 || signal === undefined) return deliveries.map((one) => this.#taken(one, mode));
      } catch (error) {
        if (signal?.aborted === true || (error instanceof HeddleError && error.retryable)) return [];
        throw error;
      }
    } while (!signal.aborted);
    return [];
  }

  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#leases.settle(settlements);
  }

  /** Who is there hears of it as a release, for it was leased by a request that was answered. */
  handBack(taken: readonly { token: string }[]): void {
    this.#leases.handBack(taken);
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
      prefix: countBytes({ attempt, redelivery, cycle, priority: priorityOf(event) }),
      bare: bareOf(this.#message(eventWithState({ event, state }), mode), undefined),
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
      eventAttributes: attributes,
    };
  }
}

function jsonText(data: unknown): string {
  return data === undefined ? '' : JSON.stringify(data);
}
