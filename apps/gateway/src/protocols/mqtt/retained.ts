import type { Caller } from '@heddle/auth';
import { type EventLog, type StoredEvent, isRawTopic, tenantOf, topicMatcher, topicOfType } from '@heddle/event';
import type { Packet } from 'mqtt-packet';
import { type Message, messageOf } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import { DispatchedEvent, type Mask } from '../../represent.js';
import { viewOf } from '../../streams/view.js';
import { propertiesOfMessage, topicOfMessage } from './message-packet.js';
import { type MqttVersion, packetBytes } from './mqtt.frames.js';
import type { Made } from './subscriptions.js';

export interface RetainedParts {
  eventLog: Pick<EventLog, 'bounds' | 'fetch'>;
  /** All topics of the log that have events. */
  topics(): readonly string[];
  mask: Mask;
  namespaces: Namespaces;
  /** Of the gateway, without a slash at its end. */
  baseUrl: string;
}

/** Records at the end of a partition that are looked at. */
const WINDOW = 500;
const PAGE_BYTES = 512 * 1024;
/** What is not delivered by a queue has been delivered once. */
const ONCE = { attempt: 1, redelivery: 'no', cycle: '' } as const;

/**
 * What MQTT calls retained: the last event of each object, for a subscription that was just made. Found at the end of
 * the log, not kept anywhere: of each partition the last 500 records are looked at, and the newest objects are told, as
 * many as the setting says. Messages that no event type knows are not retained.
 */
export class Retained {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: RetainedParts,
    private readonly maxObjects: number,
  ) {}

  /** The packets for subscriptions that were just made, QoS 0; one subscription reads the log at a time. */
  async of(caller: Caller, version: MqttVersion, made: readonly Made[]): Promise<Buffer[]> {
    if (this.maxObjects === 0) return [];
    const bytes: Buffer[] = [];
    for (const { wanted, retainHandling, isNew, subscription } of made) {
      if (wanted.kind !== 'topics' || retainHandling > 1 || (retainHandling === 1 && !isNew)) continue;
      const events = await this.#inTurn(() => this.#lastOf(caller, wanted.patterns));
      const view = viewOf(caller, this.parts.mask);
      const identifiers = subscription.identifier === undefined ? [] : [subscription.identifier];
      for (const stored of events) {
        const event = view.of(new DispatchedEvent(stored, 0, '', this.parts.baseUrl));
        const message = messageOf({ event }, version === 5 ? 'binary' : 'structured', this.parts.namespaces);
        bytes.push(retainedBytes(message, version, identifiers));
      }
    }
    return bytes;
  }

  /** The last event of each object that matches, the newest objects last. */
  async #lastOf({ tenant }: Caller, patterns: readonly string[]): Promise<StoredEvent[]> {
    const { topics, namespaces } = this.parts;
    const matches = topicMatcher(patterns);
    const namespace = namespaces.of(tenant);
    const lasts = new Map<string, StoredEvent>();
    for (const topic of topics()) {
      if (tenantOf(topic) !== tenant || isRawTopic(topic)) continue;
      for await (const event of this.#ends(topic)) {
        const { type, namespace: own } = event.attributes;
        // Of an object it is the last of all that match, for what came before it is over.
        if (matches(topicOfType(type, own ?? namespace))) lasts.set(`${topic}/${event.key}`, event);
      }
    }
    const newest = [...lasts.values()].toSorted((one, other) => one.appendedAt - other.appendedAt);
    return newest.slice(-this.maxObjects);
  }

  /** The last records of every partition of a topic. */
  async *#ends(topic: string): AsyncGenerator<StoredEvent> {
    const { eventLog } = this.parts;
    for (const { partition, earliest, end } of await eventLog.bounds(topic)) {
      let offset = Math.max(earliest, end - WINDOW);
      while (offset < end) {
        const { events, nextOffset } = await eventLog.fetch({ topic, partition, offset }, { maxBytes: PAGE_BYTES });
        yield* events;
        if (nextOffset <= offset) break;
        offset = nextOffset;
      }
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function retainedBytes(message: Message, version: MqttVersion, identifiers: readonly number[]): Buffer {
  const packet: Packet = {
    cmd: 'publish',
    topic: topicOfMessage(message),
    payload: message.body,
    qos: 0,
    dup: false,
    retain: true,
    ...(version === 5 ? { properties: propertiesOfMessage(message, ONCE, identifiers, Date.now()) } : {}),
  };
  return packetBytes(packet, version);
}
