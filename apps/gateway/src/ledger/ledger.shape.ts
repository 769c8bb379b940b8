import { z } from 'zod';
import { nextField } from '../management/name-page.js';
import { ATTEMPT_OUTCOMES, FINAL_STATES, REDELIVERIES } from './attempt.js';

const MAX_LIMIT = 500;

/** What lists of the ledger can be asked for: a window of time, and a page of it, the newest first. */
const pageFields = {
  since: z.iso.datetime({ offset: true }).optional().describe('nothing before this time'),
  until: z.iso.datetime({ offset: true }).optional().describe('nothing at or after this time'),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(100).describe('entries of a page'),
  cursor: z
    .string()
    .regex(/^\d+(\.\d+)+$/, 'must be a cursor as an answer gave it')
    .optional()
    .describe('the `next` of the page before'),
};

export const attemptsQuery = z.strictObject({
  webhook: z.string().min(1).optional(),
  queue: z.string().min(1).optional(),
  event: z.string().min(1).optional().describe('the id of an event'),
  outcome: z
    .enum([...ATTEMPT_OUTCOMES, 'failed'])
    .optional()
    .describe('`failed` is every one but `accepted`'),
  ...pageFields,
});

const letterFields = {
  queue: z.string().min(1).optional(),
  type: z.string().min(1).optional().describe('an event type'),
  key: z.string().min(1).optional().describe('a business key'),
  reason: z.string().min(1).optional().describe('a word that the reason or its code has'),
};

export const deadLettersQuery = z.strictObject({
  ...letterFields,
  state: z.enum(['open', 'redriven']).optional(),
  ...pageFields,
});

export const monitorQuery = z.strictObject({
  since: pageFields.since.describe('nothing before this time; the last 24 hours when left out'),
  until: pageFields.until,
});

/** What became of an event so far; one that was consumed is acknowledged, too, and all that were tried are published. */
const DELIVERY_STATES = ['published', 'acknowledged', 'consumed', 'failed', 'dropped', 'retrying'] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const queueEventsQuery = z.strictObject({
  status: z.enum(DELIVERY_STATES).optional().describe('only those that count as this in the monitor'),
  type: z.string().min(1).max(256).optional().describe('only of this event type'),
  ...pageFields,
  since: monitorQuery.shape.since,
});

export const operationsQuery = z.strictObject({
  kind: z.string().min(1).optional().describe('as `webhook.failing`, or `webhook.` for all of webhooks'),
  name: z.string().min(1).optional().describe('of the webhook or the queue'),
  ...pageFields,
});

export const auditQuery = z.strictObject({
  who: z.string().min(1).optional(),
  action: z.string().min(1).optional(),
  target: z.string().min(1).optional(),
  ...pageFields,
});

export const eventQuery = z.strictObject({
  source: z.string().min(1).optional().describe('where several sources use the same id'),
});

export const objectEventsQuery = z.strictObject(pageFields);

export type AttemptsQuery = z.infer<typeof attemptsQuery>;
export type MonitorQuery = z.infer<typeof monitorQuery>;
export type QueueEventsQuery = z.infer<typeof queueEventsQuery>;
export type DeadLettersQuery = z.infer<typeof deadLettersQuery>;
export type OperationsQuery = z.infer<typeof operationsQuery>;
export type AuditQuery = z.infer<typeof auditQuery>;
export type PageQuery = z.infer<typeof objectEventsQuery>;

/** Every list says how far the index had come, and where the next page begins. */
const listFields = {
  next: z.string().optional().describe('the cursor of the next page; left out on the last one'),
  indexedUpTo: z.string().describe('what the log took before this time is in the answer'),
  partial: z.boolean().describe('true when the index had not come to the end of the log'),
};

const eventRefShape = z.object({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  key: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  href: z.string().describe('the event with its timeline'),
});

const milliseconds = z.number().optional();

export const attemptShape = z.object({
  event: eventRefShape,
  queue: z.string(),
  queueUuid: z.string(),
  cycle: z.string().describe('the replay or redrive it belongs to; empty for the first passage'),
  receiver: z.object({ kind: z.string(), name: z.string() }),
  attempt: z.int(),
  at: z.string(),
  ms: z.number(),
  redelivery: z.enum(REDELIVERIES),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  final: z.enum(FINAL_STATES).optional(),
  status: z.int().optional(),
  error: z.string().optional(),
  errorClass: z.string().optional(),
  phases: z
    .object({
      dnsMs: milliseconds,
      connectMs: milliseconds,
      tlsMs: milliseconds,
      firstByteMs: milliseconds,
      totalMs: milliseconds,
    })
    .optional(),
  excerpt: z.string().optional().describe('the beginning of the response'),
  request: z
    .object({
      method: z.string(),
      url: z.string(),
      headers: z.array(z.tuple([z.string(), z.string()])),
      body: z.string().describe('where the event is that was its body'),
    })
    .optional()
    .describe('as it was sent; secrets are masked'),
  nextAt: z.string().optional(),
});

export type AttemptView = z.infer<typeof attemptShape>;

export const attemptsShape = z.object({ attempts: z.array(attemptShape), ...listFields });

export const deadLetterShape = z.object({
  id: z.string(),
  event: eventRefShape,
  at: z.string(),
  queue: z.string().optional(),
  queueUuid: z.string().optional(),
  group: z.string().optional().describe('of the service that gave up on it'),
  cycle: z.string(),
  reason: z.string(),
  code: z.string(),
  attempts: z.int().optional(),
  firstAt: z.string().optional(),
  lastAnswer: z.string().optional(),
  state: z.enum(['open', 'redriven']),
  redriven: z.object({ by: z.string(), at: z.string() }).optional(),
});

export type DeadLetterView = z.infer<typeof deadLetterShape>;

export const deadLettersShape = z.object({ deadLetters: z.array(deadLetterShape), ...listFields });

const count = z.int();

/** What became of the events of a type; an event that is replayed or redriven counts once more. */
export const countsShape = z.object({
  type: z.string(),
  published: count.describe('events of which a delivery was tried'),
  acknowledged: count.describe('of these, what a receiver has accepted: by a 2xx, or by settling it'),
  consumed: count.describe('of these, what a receiver has accepted that settles what it works on'),
  failed: count.describe('what was given up'),
  dropped: count.describe('what the queue no longer wanted when its turn came'),
  retrying: count.describe('tried, and neither accepted nor given up'),
  attempts: count.describe('deliveries tried, repeats included'),
  open: count.describe('dead letters of all times that can be redriven: `POST /v1/dead-letters/redrive`'),
  lastPublishedAt: z.string().optional(),
  lastAcknowledgedAt: z.string().optional(),
  lastFailedAt: z.string().optional(),
});

/** What became of the events of a queue, by type. */
export const monitorShape = z.object({
  queue: z.string(),
  held: count.describe('deliveries that the queue has now and has not done with'),
  since: z.string(),
  until: z.string().optional(),
  types: z.array(countsShape),
  indexedUpTo: listFields.indexedUpTo,
  partial: listFields.partial,
});

export const queueEventsShape = z.object({
  events: z.array(
    z.object({
      event: eventRefShape.extend({
        appendedAt: z.string().optional().describe('when the log took it; left out while the index has not come to it'),
        bytes: z.int().optional().describe('of its data, as it stands in the log; in the same way'),
      }),
      status: z.enum(['acknowledged', 'consumed', 'failed', 'dropped', 'retrying']),
      cycle: z.string().describe('the replay or redrive it belongs to; empty for the first passage'),
      attempts: count,
      publishedAt: z.string().describe('the first attempt'),
      lastAttemptAt: z.string(),
      deadLetter: z.string().optional().describe('its id, where it was given up'),
      reason: z.string().optional().describe('why it was'),
      retried: z.string().optional().describe('the redrive that put it back'),
    }),
  ),
  ...listFields,
});

const storedEventShape = z.object({
  attributes: z.record(z.string(), z.string()),
  data: z.unknown(),
});

export const deadLetterDetailShape = deadLetterShape.extend({
  stored: storedEventShape.describe('the event as it was kept'),
  deliveries: z.array(attemptShape).describe('the attempts before it was given up, the first one first'),
});

const deliveryShape = z.object({
  queue: z.string(),
  queueUuid: z.string(),
  cycle: z.string(),
  state: z.enum([...FINAL_STATES, 'open']),
  settledAt: z.string().optional(),
  repeats: z.int().describe('final attempts beyond the first, as a takeover may cause'),
  attempts: z.array(attemptShape),
  deadLetter: z.string().optional().describe('its id'),
});

const stepShape = z.object({
  at: z.string(),
  what: z.enum(['raised', 'appended', 'dispatched', 'attempt', 'settled', 'dead', 'dropped', 'redriven']),
  queue: z.string().optional(),
  cycle: z.string().optional(),
  detail: z.string().optional(),
});

export const eventSummaryShape = z.object({
  event: eventRefShape,
  raisedAt: z.string().optional(),
  appendedAt: z.string().optional(),
  deliveries: z.array(deliveryShape),
  timeline: z.array(stepShape),
});

export type EventSummary = z.infer<typeof eventSummaryShape>;

export const eventShape = z.object({
  id: z.string(),
  events: z
    .array(eventSummaryShape.extend({ stored: storedEventShape.optional() }))
    .describe('one for each place the event stands at: the same id may come from several sources, or twice'),
  indexedUpTo: listFields.indexedUpTo,
  partial: listFields.partial,
});

export const objectEventsShape = z.object({ events: z.array(eventSummaryShape), ...listFields });

const anyObject = z.record(z.string(), z.unknown());

export const operationsShape = z.object({
  operations: z.array(
    z.object({ at: z.string(), kind: z.string(), tenant: z.string(), name: z.string(), detail: anyObject }),
  ),
  ...listFields,
});

export const auditShape = z.object({
  entries: z.array(
    z.object({
      at: z.string(),
      tenant: z.string(),
      who: z.string().describe('the id of the client'),
      from: z.string().describe('the address it came from'),
      action: z.string(),
      target: z.string(),
      detail: anyObject,
      result: z.string().describe('done, refused or failed'),
    }),
  ),
  ...listFields,
});

export const redriveBody = z.strictObject({
  ids: z
    .array(z.string().regex(/^\d+-\d+$/, 'must be the id of a dead letter'))
    .min(1)
    .max(1000)
    .optional(),
  filter: z
    .strictObject({ ...letterFields, since: pageFields.since, until: pageFields.until })
    .optional()
    .describe('every open letter that fits; an empty one is all of them'),
  dryRun: z.boolean().default(false).describe('only count'),
  ratePerSecond: z.number().min(0.1).max(10_000).default(100),
});

export type RedriveRequest = z.infer<typeof redriveBody>;

export const redriveShape = z.object({
  id: z.string().describe('also the delivery cycle of what it puts back'),
  state: z.enum(['counted', 'running', 'done', 'stopped', 'failed', 'interrupted']),
  selected: z.int(),
  queues: z.record(z.string(), z.int()).describe('how many letters of each queue'),
  placed: z.int(),
  failed: z.int().describe('not put back; they stay open'),
  failures: z.array(z.object({ id: z.string(), reason: z.string() })).describe('the first of them'),
  ratePerSecond: z.number(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});

export type RedriveView = z.infer<typeof redriveShape>;

export const redrivesShape = z.object({ redrives: z.array(redriveShape), ...nextField });
