import { randomUUID } from 'node:crypto';
import type { Caller } from '@heddle/auth';
import { RAW_TOPIC, type StoredEvent, rawEvent, topicOf } from '@heddle/event';
import type { Grant, LeaseReceiver, SettleResult, Settlement } from '../queues/lease-book.js';
import type { Lease } from '../queues/lease.js';
import { DispatchedEvent, ObjectState } from '../represent.js';
import type { Upstream } from './protocol.js';

/** A delivery as one instance hands it to another (`lentBody`). */
interface LentDelivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: Lease['redelivery'];
  cycle?: string;
  /** Milliseconds since the epoch. */
  appendedAt: number;
  /** Of a raw message always with `data_base64`. */
  event: Record<string, unknown>;
  state?: { version: string; object?: unknown; gone?: true } | null;
}

/** How long another instance is asked to wait for deliveries, before it is asked again. */
export const PULL_WAIT_MS = 20_000;
/** As many as one request may settle. */
const MAX_SETTLEMENTS = 1000;
/** How an instance says which schema of the registry an event has: known as such, it is written again at its place. */
const SCHEMA_URL = /^(.*)\/v1\/schemas\/(\d+)$/;

/**
 * Leases of a queue that another instance works on, for connections that cannot be handed on as a whole: taken, settled and
 * handed back by requests to that instance, and otherwise as if they had been leased here.
 */
export class ElsewhereLeases {
  /** By which the owner of the queue knows whose leases are one receiver's. */
  readonly #link = randomUUID();

  constructor(
    private readonly hop: Pick<Upstream, 'askQueue'>,
    private readonly caller: Caller,
    private readonly queue: string,
  ) {}

  /**
   * Once the signal is aborted nothing more is waited for; what was on its way is still the caller's, to hand back.
   *
   * @throws HeddleError as `Upstream.askQueue`
   */
  async receive(
    wish: { max: number; waitMs: number; leaseMs: number | undefined; receiver: LeaseReceiver },
    signal: AbortSignal | undefined,
  ): Promise<Grant[]> {
    const answer = await this.hop.askQueue(this.caller, this.queue, 'receive', { ...wish, link: this.#link }, signal);
    return (answer as { deliveries: LentDelivery[] }).deliveries.map((one) => grantOf(one, this.caller.tenant));
  }

  /** In their order, each with its answer. @throws HeddleError as `Upstream.askQueue` */
  async settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const results: SettleResult[] = [];
    for (const part of partsOf(settlements)) {
      const leases = part.map(({ token: lease, ...rest }) => ({ lease, ...rest }));
      const answer = await this.hop.askQueue(this.caller, this.queue, 'settle', { settlements: leases });
      for (const result of (answer as { results: SettleResult[] }).results) results.push(result);
    }
    return results;
  }

  /** Gives back what no client has seen: it is ready again at once, and no attempt was made. */
  handBack(leases: readonly { token: string }[]): void {
    for (const part of partsOf(leases)) {
      const body = { leases: part.map(({ token }) => token) };
      // Whoever works on the queue next knows nothing of them anyway.
      this.hop.askQueue(this.caller, this.queue, 'hand-back', body).catch(() => undefined);
    }
  }
}

function partsOf<T>(leases: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < leases.length; from += MAX_SETTLEMENTS) {
    parts.push(leases.slice(from, from + MAX_SETTLEMENTS));
  }
  return parts;
}

function grantOf(delivery: LentDelivery, tenant: string): Grant {
  const { lease: token, expiresAt, attempt, redelivery, cycle = '', state } = delivery;
  const [, baseUrl = '', schemaId] = SCHEMA_URL.exec(String(delivery.event['dataschema'])) ?? [];
  // Other references are absolute already.
  const event = new DispatchedEvent(storedOf(delivery, tenant, schemaId), 0, '', baseUrl);
  const attached = state === undefined || state === null ? state : stateOf(state);
  return {
    token,
    expiresAt: Date.parse(expiresAt),
    lease: { event, state: attached, lane: '', attempt, redelivery, cycle },
  };
}

function stateOf({ version, object, gone }: NonNullable<LentDelivery['state']>): ObjectState {
  return new ObjectState(Number(version), gone === true ? undefined : JSON.stringify(object));
}

function storedOf({ event, appendedAt }: LentDelivery, tenant: string, schemaId: string | undefined): StoredEvent {
  const { specversion: _one, data, data_base64: base64, ...attributes } = event;
  const texts = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
  const isRaw = texts['address'] !== undefined;
  const read = {
    // Of an event of a type only whose it is counts from here on.
    topic: topicOf(isRaw ? RAW_TOPIC : 'elsewhere', tenant),
    partition: 0,
    offset: 0,
    key: texts['partitionkey'] ?? texts['subject'] ?? '',
    appendedAt,
    attributes: texts as StoredEvent['attributes'],
    ...(schemaId === undefined ? {} : { schemaId: Number(schemaId) }),
  };
  if (typeof base64 === 'string') return rawEvent({ ...read, value: Buffer.from(base64, 'base64') });
  return { ...read, value: Buffer.from(JSON.stringify(data) ?? ''), data };
}
