import {
  type Append,
  type EventAttributes,
  RAW_TOPIC,
  type StoredEvent,
  attributeProblem,
  isRawMessage,
  topicOf,
} from '@heddle/event';

/** Where an event goes that a queue gave up, beside the dead letter that says so. */
export interface DeadMessage {
  event: StoredEvent;
  tenant: string;
  /** That gave it up. */
  queue: string;
  /** The dead message queue. */
  to: string;
  /** One line a person can act on, with a stable word in front of it. */
  reason: string;
}

/** Of the reason, so much stands in an attribute; all of it is in the dead letter. */
const MAX_REASON = 500;
/** Two queues that are each other's dead message queue pass a message on so often, and no more. */
const MAX_MOVES = 100;
// oxlint-disable-next-line no-control-regex -- control characters are what it takes out
const NOT_IN_ATTRIBUTES = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/gu;

/**
 * The event as it is appended for the dead message queue: bytes and attributes as they were, but for its time to live, which is
 * over there. Nothing where it has been passed on too often, or cannot carry what has to be said of it.
 */
export function deadMessageAppend({ event, tenant, queue, to, reason }: DeadMessage): Append | undefined {
  const { expirytime: _over, ...kept } = event.attributes;
  const moves = Number(kept['deadlettercount'] ?? 0) + 1;
  if (moves > MAX_MOVES) return undefined;
  const first = kept['deadletteraddress'] ?? kept['address'];
  const attributes: EventAttributes = {
    ...(kept as EventAttributes),
    address: `queue:${to}`,
    deadletterqueue: queue,
    deadletterreason: reason.replaceAll(NOT_IN_ATTRIBUTES, ' ').slice(0, MAX_REASON).toWellFormed().trim(),
    deadlettercount: String(moves),
    // By its absence the copy of an event is told from that of a raw message.
    ...(isRawMessage(event) ? { deadletteraddress: first } : {}),
  };
  if (attributeProblem(attributes) !== undefined) return undefined;
  return { topic: topicOf(RAW_TOPIC, tenant), key: event.key, event: { attributes, value: event.value } };
}
