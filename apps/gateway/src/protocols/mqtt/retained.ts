import type { Caller } from '@heddle/auth';
import { type EventLog, type StoredEvent, isRawTopic, tenantOf, topicMatcher, topicOfType } from '@heddle/event';
import type { Namespaces } from '../../messages/namespaces.js';
import type { Grant } from '../../queues/lease-book.js';
import { DispatchedEvent, type Mask } from '../../represent.js';
import { viewOf } from '../../streams/view.js';
import type { RetainedMessages } from './retained-messages.js';
import type { Made } from './subscriptions.js';

export interface RetainedParts {
  eventLog: Pick<EventLog, 'bounds' | 'fetch'>;
  /** What was published as retained, and no event type knows. */
  messages: Pick<RetainedMessages, 'under'>;
  /** All topics of the log that have events. */
  topics(): readonly string[];
  mask: Mask;
  namespaces: Pick<Namespaces, 'of'>;
  /** Of the gateway, without a slash at its end. */
  baseUrl: string;
}

/** What a new subscription is given as retained. */
export interface RetainedFor {
  filter: string;
  grants: Grant[];
}

/** Records at the end of a partition that are looked at. */
const WINDOW = 500;
const PAGE_BYTES = 512 * 1024;
/**
 * What MQTT calls retained, for a subscription that was just made: messages that were published as such, and the last event of
 * each object. Those are found at the end of the log, not kept anywhere: of each partition the last 500 records are looked
 * at, and the newest objects are told, as many as the setting says.
 */
export class Retained {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: RetainedParts,
    private readonly maxObjects: number,
  ) {}

  /** For subscriptions that were just made, in their order; one subscription reads the log at a time. */
  async of(caller: Caller, made: readonly Made[]): Promise<RetainedFor[]> {
    const all: RetainedFor[] = [];
    if (this.maxObjects === 0) return all;
    const view = viewOf(caller, this.parts.mask);
    for (const { wanted, retainHandling, isNew, subscription } of made) {
      if (wanted.kind !== 'topics' || retainHandling > 1 || (retainHandling === 1 && !isNew)) continue;
      const events = await this.#inTurn(() => this.#lastOf(caller, wanted.patterns));
      const messages = this.parts.messages.under(caller.tenant, topicMatcher(wanted.patterns));
      const grants = [...messages, ...events].map((stored) =>
        grantOf(view.of(new DispatchedEvent(stored, 0, '', this.parts.baseUrl))),
      );
      all.push({ filter: subscription.filter, grants });
    }
    return all;
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

/** As if it had been leased: nobody else is given it for that, and nothing holds it up. */
function grantOf(event: DispatchedEvent): Grant {
  return {
    token: '',
    expiresAt: Infinity,
    lease: { event, lane: '', attempt: 1, redelivery: 'no', cycle: '' },
  };
}
