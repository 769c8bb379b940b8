import type { z } from 'zod';
import { MAX_MESSAGE_BYTES } from '../messages/incoming-message.js';
import type { QueueView } from '../queues/queue-view.js';
import { ROOM_LIMITS, type queueShape } from '../queues/queue.shape.js';
import type { ManagedQueueRequest, ManagedQueueView } from './managed-queue.shape.js';

/** A queue's definition as it is asked for. */
export type QueueAsked = z.input<typeof queueShape>;

/**
 * A new queue: without an order, for what is published to one address would otherwise be delivered one by one, and
 * with no subscription yet.
 */
const NEW: QueueAsked = { order: 'none', topicPatterns: [] };

/** What a definition is to be, by what it is and what is asked; whatever ours has beyond that stays as it is. */
export function askedOf(before: QueueView | undefined, request: ManagedQueueRequest): QueueAsked {
  const { accessType, maxDeliveredUnackedMsgsPerFlow, maxRedeliveryCount, deadMsgQueue, respectTtl, maxTtl } = request;
  const { maxQueueMessageCount, maxQueueSizeInBytes, maxMessageSizeInBytes } = request;
  const asked: QueueAsked = before === undefined ? { ...NEW } : sameAs(before);
  if (accessType !== undefined) asked.accessType = accessType;
  if (maxDeliveredUnackedMsgsPerFlow !== undefined) asked.maxUnacknowledged = maxDeliveredUnackedMsgsPerFlow;
  if (maxRedeliveryCount !== undefined) asked.maxRedeliveryCount = maxRedeliveryCount;
  if (respectTtl !== undefined) asked.respectTtl = respectTtl;
  if (deadMsgQueue === '') delete asked.deadLetterQueue;
  else if (deadMsgQueue !== undefined) asked.deadLetterQueue = deadMsgQueue;
  if (maxTtl === 0) delete asked.ttlMs;
  else if (maxTtl !== undefined) asked.ttlMs = maxTtl * 1000;
  bound(asked, 'maxMessages', maxQueueMessageCount, ROOM_LIMITS.messages);
  bound(asked, 'maxBytes', maxQueueSizeInBytes, ROOM_LIMITS.bytes);
  // As large as any message may be is no bound of its own.
  bound(asked, 'maxMessageBytes', maxMessageSizeInBytes, MAX_MESSAGE_BYTES - 1);
  return asked;
}

/**
 * 0 takes a bound away, and so does one that is larger than what is kept here: a client that asks for room for gigabytes gets
 * more than that. What is not named is as it was.
 */
function bound(
  asked: QueueAsked,
  name: 'maxMessages' | 'maxBytes' | 'maxMessageBytes',
  most: number | undefined,
  limit: number,
): void {
  if (most === 0 || (most !== undefined && most > limit)) delete asked[name];
  else if (most !== undefined) asked[name] = most;
}

/** The definition that a queue has, asked for again. */
export function sameAs(view: QueueView): QueueAsked {
  const { types, topicPatterns, filter, leaseMs, deadLetters, ttlMs, maxInFlight, shape, retry } = view;
  const { respectTtl, deadLetterQueue, maxRedeliveryCount, accessType, maxUnacknowledged } = view;
  const { maxMessages, maxBytes, maxMessageBytes, whenFull } = view;
  const { delaysMs, jitter, maxAgeMs, firstMs, factor, capMs, attempts } = retry;
  const schedule = delaysMs === undefined ? { firstMs, factor, capMs, attempts } : { delaysMs };
  return {
    ...(types.length === 0 ? {} : { types }),
    ...(topicPatterns === undefined ? {} : { topicPatterns }),
    filter: filter as unknown as NonNullable<QueueAsked['filter']>,
    leaseMs,
    retry: { ...schedule, jitter, maxAgeMs },
    deadLetters,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    maxInFlight,
    shape,
    respectTtl,
    accessType,
    ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }),
    ...(maxRedeliveryCount === undefined ? {} : { maxRedeliveryCount }),
    ...(maxUnacknowledged === undefined ? {} : { maxUnacknowledged }),
    ...(maxMessages === undefined ? {} : { maxMessages }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    whenFull,
  };
}

/** A queue in the words of SAP Event Mesh. */
export function managedView(view: QueueView): ManagedQueueView {
  const { name, accessType, maxUnacknowledged, maxInFlight, maxRedeliveryCount, deadLetterQueue, respectTtl, ttlMs } =
    view;
  const { attempts, delaysMs } = view.retry;
  return {
    name,
    ...countsOf(view),
    maxQueueSizeInBytes: view.maxBytes ?? 0,
    maxQueueMessageCount: view.maxMessages ?? 0,
    maxMessageSizeInBytes: view.maxMessageBytes ?? MAX_MESSAGE_BYTES,
    accessType,
    maxDeliveredUnackedMsgsPerFlow: maxUnacknowledged ?? maxInFlight,
    maxRedeliveryCount: maxRedeliveryCount ?? delaysMs?.length ?? attempts - 1,
    ...(deadLetterQueue === undefined ? {} : { deadMsgQueue: deadLetterQueue }),
    respectTtl,
    maxTtl: ttlMs === undefined ? 0 : Math.ceil(ttlMs / 1000),
  };
}

/** How much is in a queue; nothing of one that another instance works on. */
export function countsOf({ statistics }: QueueView): {
  messageCount?: number;
  queueSizeInBytes?: number;
  unacknowledgedMessageCount?: number;
} {
  if (statistics === undefined) return {};
  const { messages, bytes, leased } = statistics;
  return { messageCount: messages, queueSizeInBytes: bytes, unacknowledgedMessageCount: leased };
}
