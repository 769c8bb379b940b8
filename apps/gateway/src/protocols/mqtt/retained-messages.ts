import type { Caller } from '@heddle/auth';
import {
  CONTROL_TOPICS,
  type ControlLog,
  type ControlRecord,
  type Follower,
  HeddleError,
  RAW_TOPIC,
  type StoredEvent,
  type TopicMatcher,
  isRawTopic,
  parseAddress,
  rawEvent,
  topicOf,
} from '@heddle/event';
import { type IncomingMessage, type MessageOutcome, rawAppend } from '../../messages/incoming-message.js';
import type { Publisher } from '../../publish.js';

/** A message of a client, and whether it is to be kept for who subscribes to its topic later. */
export interface ToPublish {
  message: IncomingMessage;
  isRetained: boolean;
}

/** What stands in `heddle.retained` under `<tenant>/<topic>`. */
interface StoredMessage {
  format: 1;
  tenant: string;
  topic: string;
  attributes: StoredEvent['attributes'];
  /** Base64. */
  value: string;
}

interface Kept {
  event: StoredEvent;
  expiresAt: number;
}

/** Of one tenant: what is kept by topic, and the bytes that takes. */
interface OfTenant {
  topics: Map<string, Kept>;
  bytes: number;
}

export interface RetainedMessagesParts {
  controlLog: Pick<ControlLog, 'put' | 'follow'>;
  publisher: Pick<Publisher, 'publishMessages'>;
  /** Of one tenant, in the memory of each instance; 0 keeps none. */
  maxBytes: number;
}

/** As text in a record of the log it is a third longer, and is to fit there with its attributes. */
const MAX_RETAINED_BYTES = 512 * 1024;
/** Beside the bytes of a message, what keeping it takes. */
const OVERHEAD_BYTES = 500;
const PARTITION = 0;
const SWEEP_MS = 10_000;

/**
 * Messages that were published as retained (MQTT 5 §3.3.1.3): of each topic the last one, until another one comes, one
 * without a payload, or its time has passed. They stand in a compacted topic, which every instance has in memory; what has
 * expired only stands there, until its topic has another one. Events of a type are not among them: of those the last one of
 * each object is found in the log.
 */
export class RetainedMessages {
  readonly #kept = new Map<string, OfTenant>();
  #follower: Follower | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly parts: RetainedMessagesParts) {}

  /** Resolves when everything that is retained is known. */
  async start(): Promise<void> {
    this.#follower = await this.parts.controlLog.follow(CONTROL_TOPICS.retained, (record) => this.#apply(record));
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#follower?.stop();
  }

  /** Publishes messages, and keeps those that are to be retained, durably; each has its own outcome, in their order. */
  async publish(caller: Caller, all: readonly ToPublish[]): Promise<MessageOutcome[]> {
    const outcomes: (MessageOutcome | undefined)[] = all.map((one) => this.#refusal(caller.tenant, one));
    const admitted = all.flatMap((one, at) => (outcomes[at] === undefined ? [{ ...one, at }] : []));
    const published = await this.parts.publisher.publishMessages(
      caller,
      admitted.map(({ message }) => message),
    );
    for (const [index, { at }] of admitted.entries()) outcomes[at] = published[index]!;
    const kept = admitted.filter(({ isRetained, message, at }) => {
      const outcome = outcomes[at]!;
      return (
        isRetained && message.address.startsWith('topic:') && 'id' in outcome && isRawTopic(outcome.position.topic)
      );
    });
    try {
      await this.#keep(caller, kept);
    } catch (error) {
      // Said again, it is there twice, and retained.
      for (const { at } of kept) outcomes[at] = { error: asHeddleError(error) };
    }
    return outcomes as MessageOutcome[];
  }

  /** What is retained under topics of a tenant, without what has expired. */
  under(tenant: string, matches: TopicMatcher): StoredEvent[] {
    const now = Date.now();
    const found: StoredEvent[] = [];
    for (const [topic, { event, expiresAt }] of this.#kept.get(tenant)?.topics ?? []) {
      if (expiresAt > now && matches(topic)) found.push(event);
    }
    return found;
  }

  async #keep({ tenant, client }: Caller, kept: readonly ToPublish[]): Promise<void> {
    if (kept.length === 0) return;
    const puts = kept.map(({ message }) => {
      const address = parseAddress(message.address);
      const key = `${tenant}/${address.name}`;
      if (message.body.length === 0) return { partition: PARTITION, key, value: null };
      const { attributes, value } = rawAppend(message, address, { tenant, client }).event;
      const stored: StoredMessage = {
        format: 1,
        tenant,
        topic: address.name,
        attributes,
        value: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
      };
      return { partition: PARTITION, key, value: stored };
    });
    const offsets = await this.parts.controlLog.put(CONTROL_TOPICS.retained, puts);
    // Whoever is told that it is retained finds it here.
    await this.#follower?.reached(PARTITION, Math.max(...offsets));
  }

  /** Before anything is published: what could not be kept as well is refused as a whole. */
  #refusal(tenant: string, { message, isRetained }: ToPublish): { error: HeddleError } | undefined {
    const { length } = message.body;
    if (!isRetained || length === 0) return undefined;
    if (length > MAX_RETAINED_BYTES) {
      const words = `A message that is retained has ${MAX_RETAINED_BYTES} bytes at most, and not ${length}.`;
      return { error: new HeddleError('too-large', words, { field: 'body' }) };
    }
    const ofTenant = this.#kept.get(tenant);
    const before = ofTenant?.topics.get(message.address.replace('topic:', ''));
    const others = (ofTenant?.bytes ?? 0) - (before === undefined ? 0 : bytesOf(before.event));
    if (others + length + OVERHEAD_BYTES <= this.parts.maxBytes) return undefined;
    return { error: new HeddleError('quota-exceeded', 'No more messages may be retained.', { field: 'retained' }) };
  }

  /** What has expired takes neither memory nor room of its tenant. */
  #sweep(now = Date.now()): void {
    for (const ofTenant of this.#kept.values()) {
      for (const [topic, { expiresAt }] of ofTenant.topics) if (expiresAt <= now) drop(ofTenant, topic);
    }
  }

  #apply({ key, value: record }: ControlRecord): void {
    const slash = key.indexOf('/');
    const tenant = key.slice(0, slash);
    const name = key.slice(slash + 1);
    const ofTenant = this.#kept.get(tenant) ?? { topics: new Map<string, Kept>(), bytes: 0 };
    this.#kept.set(tenant, ofTenant);
    // The last one that came is the last one here, too.
    drop(ofTenant, name);
    if (record === null) return;
    const { attributes, value } = record as StoredMessage;
    const { expirytime = '' } = attributes;
    const until = Date.parse(expirytime);
    const expiresAt = Number.isNaN(until) ? Infinity : until;
    if (expiresAt <= Date.now()) return;
    const event = rawEvent({
      topic: topicOf(RAW_TOPIC, tenant),
      ...{ partition: PARTITION, offset: 0, appendedAt: 0, key: name },
      ...{ attributes, value: Buffer.from(value, 'base64') },
    });
    ofTenant.topics.set(name, { event, expiresAt });
    ofTenant.bytes += bytesOf(event);
  }
}

function drop(ofTenant: OfTenant, topic: string): void {
  const kept = ofTenant.topics.get(topic);
  if (kept === undefined) return;
  ofTenant.topics.delete(topic);
  ofTenant.bytes -= bytesOf(kept.event);
}

function bytesOf(event: StoredEvent): number {
  return event.value.length + OVERHEAD_BYTES;
}

function asHeddleError(error: unknown): HeddleError {
  return error instanceof HeddleError
    ? error
    : new HeddleError('log-unavailable', 'The message could not be retained.', { cause: error });
}
