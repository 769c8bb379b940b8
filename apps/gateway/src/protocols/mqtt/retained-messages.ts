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

/**
 * Messages that were published as retained (MQTT 5 §3.3.1.3): of each topic the last one, until another one comes, one
 * without a payload, or its time has passed. They stand in a compacted topic, which every instance has in memory. Events of a
 * type are not among them: of those the last one of each object is found in the log.
 */
export class RetainedMessages {
  readonly #kept = new Map<string, Map<string, Kept>>();
  #follower: Follower | undefined;

  constructor(private readonly parts: RetainedMessagesParts) {}

  /** Resolves when everything that is retained is known. */
  async start(): Promise<void> {
    this.#follower = await this.parts.controlLog.follow(CONTROL_TOPICS.retained, (record) => this.#apply(record));
  }

  async stop(): Promise<void> {
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
    for (const [topic, { event, expiresAt }] of this.#kept.get(tenant) ?? []) {
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
    if (this.#bytesOf(tenant) + length + OVERHEAD_BYTES <= this.parts.maxBytes) return undefined;
    return { error: new HeddleError('quota-exceeded', 'No more messages may be retained.', { field: 'retained' }) };
  }

  #bytesOf(tenant: string): number {
    const now = Date.now();
    let bytes = 0;
    for (const { event, expiresAt } of this.#kept.get(tenant)?.values() ?? []) {
      if (expiresAt > now) bytes += event.value.length + OVERHEAD_BYTES;
    }
    return bytes;
  }

  #apply({ key, value: record }: ControlRecord): void {
    const slash = key.indexOf('/');
    const tenant = key.slice(0, slash);
    const name = key.slice(slash + 1);
    const topics = this.#kept.get(tenant) ?? new Map<string, Kept>();
    this.#kept.set(tenant, topics);
    // The last one that came is the last one here, too.
    topics.delete(name);
    if (record === null) return;
    const { attributes, value } = record as StoredMessage;
    const { expirytime = '' } = attributes;
    const until = Date.parse(expirytime);
    topics.set(name, {
      event: rawEvent({
        topic: topicOf(RAW_TOPIC, tenant),
        ...{ partition: PARTITION, offset: 0, appendedAt: 0, key: name },
        ...{ attributes, value: Buffer.from(value, 'base64') },
      }),
      expiresAt: Number.isNaN(until) ? Infinity : until,
    });
  }
}

function asHeddleError(error: unknown): HeddleError {
  return error instanceof HeddleError
    ? error
    : new HeddleError('log-unavailable', 'The message could not be retained.', { cause: error });
}
