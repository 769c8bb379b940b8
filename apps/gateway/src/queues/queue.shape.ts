import { HeddleError, queueNameProblem, topicPatternProblem, typeMatcher } from '@heddle/event';
import { z } from 'zod';
import { filterShape } from '../filters/filter.shape.js';
import { LEASE_LIMITS } from './lease-book.js';

const DAY_MS = 86_400_000;

/** What a queue may ask for; milliseconds where the name says so. */
const QUEUE_LIMITS = {
  types: 100,
  topicPatterns: 1000,
  topics: 100,
  maxInFlight: 100_000,
  listedDelays: 100,
  delayMs: 7 * DAY_MS,
  attempts: 1000,
  maxRedeliveryCount: 255,
  maxAgeMs: 30 * DAY_MS,
} as const;

/** How tightly a queue may be bounded: by what it keeps in memory at most, for of that it knows how much it is. */
export const ROOM_LIMITS = { messages: 4000, bytes: 32 * 1024 * 1024, messageBytes: 1_000_000 } as const;

const delayMs = z.int('must be whole milliseconds').min(0).max(QUEUE_LIMITS.delayMs);
const topicName = z.string().min(1).max(249);
const instant = z.iso.datetime({ offset: true, error: 'must be a time, as 2026-01-31T12:00:00Z' });
const offsets = z
  .record(topicName, z.array(z.int().min(0)).min(1))
  .describe('for each topic, the offset per partition; a topic that is not named begins at its first event');

/** When a failed delivery is tried again. What is left out is as the settings of the gateway say. */
const retryShape = z
  .strictObject({
    delaysMs: z
      .array(delayMs)
      .min(1)
      .max(QUEUE_LIMITS.listedDelays)
      .describe(
        'every delay in turn; one attempt more than there are delays. Stands alone, but for jitter and maxAgeMs',
      ),
    firstMs: delayMs.min(1).describe('the delay before the second attempt'),
    factor: z.number().min(1).max(100).describe('each further delay is so many times the one before'),
    capMs: delayMs.min(1).describe('the longest delay'),
    jitter: z.number().min(0).max(1).describe('the share that chance may add to each delay'),
    attempts: z.int().min(1).max(QUEUE_LIMITS.attempts).describe('attempts in all, before it is given up'),
    maxAgeMs: z
      .int()
      .min(1000)
      .max(QUEUE_LIMITS.maxAgeMs)
      .describe('milliseconds after its append at which an event is given up, whatever attempts are left'),
  })
  .partial()
  .refine(
    ({ delaysMs, firstMs, factor, capMs, attempts }) =>
      delaysMs === undefined || [firstMs, factor, capMs, attempts].every((other) => other === undefined),
    'has either delaysMs, or firstMs, factor, capMs and attempts',
  );

/** Where a new queue begins. */
export const startShape = z
  .union(
    [z.enum(['now', 'earliest']), z.strictObject({ time: instant }), z.strictObject({ offsets })],
    'must be "now", "earliest", {"time": …} or {"offsets": …}',
  )
  .describe('where a new queue begins; changing it keeps its position');

/** Where the queue of a window ends (exclusive). */
export const endShape = z
  .union([z.enum(['now']), z.strictObject({ time: instant }), z.strictObject({ offsets })], {
    error: 'must be "now", {"time": …} or {"offsets": …}',
  })
  .describe('where a queue made for a window of the log ends, exclusive');

/** The fields of a queue's definition; webhooks that bring their own queue take some of them into theirs. */
export const queueFields = {
  types: z
    .array(z.string().min(1).max(256))
    .max(QUEUE_LIMITS.types)
    .superRefine(checkPatterns)
    .optional()
    .describe('event types, exact or with a trailing *; may be left out where there are topicPatterns'),
  topicPatterns: z
    .array(z.string().min(1).max(256))
    .max(QUEUE_LIMITS.topicPatterns)
    .superRefine(checkTopicPatterns)
    .optional()
    .describe(
      'topics as SAP Event Mesh has them, + for one segment and a trailing * for the rest: events of types under them, and what no type knows. An empty list takes only what is published to the queue itself',
    ),
  topics: z
    .array(topicName)
    .min(1)
    .max(QUEUE_LIMITS.topics)
    .optional()
    .describe('topics to read, which are the names of business objects; all, and those that come, when left out'),
  filter: filterShape.default([]),
  order: z
    .enum(['none', 'key', 'queue'])
    .optional()
    .describe(
      'what is delivered one at a time: nothing, the events of a business key, or the whole queue; key when left out',
    ),
  leaseMs: z
    .int()
    .min(LEASE_LIMITS.minMs)
    .max(LEASE_LIMITS.maxMs)
    .default(30_000)
    .describe('milliseconds a lease lasts, unless it asks for another time or is renewed'),
  retry: retryShape.optional(),
  deadLetters: z
    .boolean()
    .default(true)
    .describe('whether what is given up is kept as a dead letter; without, it is only counted'),
  ttlMs: z
    .int()
    .min(1000)
    .optional()
    .describe('milliseconds after its append at which an event is no longer wanted; it is dropped and counted'),
  respectTtl: z
    .boolean()
    .default(true)
    .describe('whether the time at which an event says it expires counts, beside ttlMs'),
  deadLetterQueue: z
    .string()
    .min(1)
    .max(164)
    .optional()
    .describe('a queue that is there, which gets what is given up here as well, and what expires'),
  maxRedeliveryCount: z
    .int()
    .min(0)
    .max(QUEUE_LIMITS.maxRedeliveryCount)
    .optional()
    .describe('attempts after the first one, in place of those of retry; 0 tries until ttlMs or maxAgeMs ends'),
  accessType: z
    .enum(['NON_EXCLUSIVE', 'EXCLUSIVE'])
    .default('NON_EXCLUSIVE')
    .describe('whether one remote receiver at a time gets deliveries, and the others stand by'),
  maxUnacknowledged: z
    .int()
    .min(1)
    .max(QUEUE_LIMITS.maxInFlight)
    .optional()
    .describe('leases that one remote receiver may have out at once'),
  maxMessages: z
    .int()
    .min(1)
    .max(ROOM_LIMITS.messages)
    .optional()
    .describe('messages held, from which on what is published to it is refused; none when left out'),
  maxBytes: z.int().min(1).max(ROOM_LIMITS.bytes).optional().describe('the same in bytes of their data'),
  maxMessageBytes: z
    .int()
    .min(1)
    .max(ROOM_LIMITS.messageBytes)
    .optional()
    .describe('bytes of one message; a larger one that is published to it is refused'),
  whenFull: z
    .enum(['refuse-messages', 'refuse-all'])
    .default('refuse-messages')
    .describe(
      'whom it holds back: those who publish messages to addresses, or whoever publishes events at POST /v1/events, too. What services raise is never held back',
    ),
  maxInFlight: z
    .int()
    .min(1)
    .max(QUEUE_LIMITS.maxInFlight)
    .default(1000)
    .describe('deliveries leased at the same time, at most'),
  shape: z.enum(['notify', 'state']).default('notify').describe('the event alone, or the state of its object with it'),
  start: startShape.optional(),
  end: endShape.optional(),
  paused: z.boolean().optional().describe('a paused queue keeps its events and leases nothing; false for a new one'),
};

/** The body of `PUT /v1/queues/{name}`. */
export const queueShape = z.strictObject(queueFields).superRefine(({ types, topicPatterns }, context) => {
  if ((types?.length ?? 0) > 0 || topicPatterns !== undefined) return;
  context.addIssue({
    code: 'custom',
    path: ['types'],
    message: 'must name at least one event type, exact or with * at its end; or there are topicPatterns',
  });
});

export type QueueRequest = z.output<typeof queueShape>;
export type QueueStart = z.output<typeof startShape>;
export type QueueEnd = z.output<typeof endShape>;

/** The body of `POST /v1/queues/{name}/purge`. */
export const purgeShape = z.strictObject({
  before: z
    .union([z.enum(['now']), z.strictObject({ time: instant })], 'must be "now" or {"time": …}')
    .default('now')
    .describe(
      'what was appended before this is dropped: leased, waiting and parked deliveries, and what is not read yet',
    ),
});

export type PurgeRequest = z.output<typeof purgeShape>;

/** What queues are named, up to 164 characters; {@link checkQueueName} says what is wrong. */
export const QUEUE_NAME = /^(?!\.+(?:\/|$))[A-Za-z0-9_.-]{1,111}(?:\/(?!\.+(?:\/|$))[A-Za-z0-9_.-]{1,109}){0,19}$/;

/**
 * A name as those of SAP Event Mesh: one segment to twenty, up to 164 characters in all.
 *
 * @throws HeddleError `parameter-invalid`
 */
export function checkQueueName(name: string): string {
  const problem = queueNameProblem(name);
  if (problem === undefined) return name;
  throw new HeddleError('parameter-invalid', `The queue name ${problem}.`, { field: 'name' });
}

function checkTopicPatterns(patterns: readonly string[], context: z.RefinementCtx): void {
  patterns.forEach((pattern, index) => {
    const problem = topicPatternProblem(pattern);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [index], message: problem });
  });
}

function checkPatterns(patterns: readonly string[], context: z.RefinementCtx): void {
  patterns.forEach((pattern, index) => {
    try {
      typeMatcher([pattern]);
    } catch {
      context.addIssue({
        code: 'custom',
        path: [index],
        message: 'must be an event type of letters, digits, dots, hyphens and underscores, with * at its end at most',
      });
    }
  });
}
