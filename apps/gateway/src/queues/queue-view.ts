import { objectOf } from '@heddle/event';
import { z } from 'zod';
import type { QueueStatistics } from './queue-host.js';
import { shownOffsets } from './queue-offsets.js';
import { bindingsShape } from '../channels/binding.shape.js';
import type { QueueDefinition } from './queue.js';

const count = z.int();
const offsets = z.record(z.string(), z.array(z.int()));

const gapShape = z.object({
  topic: z.string(),
  partition: z.int(),
  count: count.describe('events that the log no longer had when the queue came to them'),
  from: z.int().describe('the first offset of the range they lie in'),
  to: z.int().describe('the offset after the last one'),
  at: z.string().describe('when the last of them was missed'),
});

export const queueStatisticsShape = z.object({
  ready: count.describe('deliveries that can be leased now'),
  leased: count,
  waiting: count.describe('deliveries that wait for their next attempt, or behind one that does'),
  parked: count.describe('of all deliveries held, those that wait in the log and not in memory'),
  messages: count.describe('deliveries held: ready, leased, waiting and parked'),
  bytes: count.describe('of their data, an estimate by the average size of what it took'),
  dead: count.describe('given up since this instance took the queue over'),
  dropped: count.describe('whose time to live ended, since this instance took the queue over'),
  oldestAgeMs: count.optional().describe('milliseconds since the append of the oldest event that is not settled'),
  lag: count.describe('records of the log, or of its window, that the queue has not looked at yet'),
  drained: z.boolean().optional().describe('of a queue for a window: whether all in it was looked at, and is settled'),
  rates: z
    .object({
      inPerSecond: z.number().describe('events taken'),
      outPerSecond: z.number().describe('deliveries accepted, given up or dropped'),
    })
    .describe('over the last minute'),
  gaps: z.array(gapShape).describe('what retention or compaction took before the queue could deliver it'),
  receivers: z
    .object({ leases: count, waiting: count })
    .describe('leases with pull and WebSocket receivers; who waits'),
});

/** What `GET /v1/queues/{name}` answers. */
export const queueViewShape = z.object({
  name: z.string(),
  version: z.int().describe('rises with every change; the ETag'),
  types: z.array(z.string()),
  topicPatterns: z.array(z.string()).optional(),
  topics: z.array(z.string()).optional(),
  filter: z.array(z.record(z.string(), z.unknown())),
  order: z.enum(['none', 'key', 'queue']),
  leaseMs: z.int(),
  retry: z.object({
    delaysMs: z.array(z.int()).optional(),
    firstMs: z.int(),
    factor: z.number(),
    capMs: z.int(),
    jitter: z.number(),
    attempts: z.int(),
    maxAgeMs: z.int(),
  }),
  deadLetters: z.boolean(),
  ttlMs: z.int().optional(),
  respectTtl: z.boolean(),
  deadLetterQueue: z.string().optional(),
  maxRedeliveryCount: z.int().optional(),
  accessType: z.enum(['NON_EXCLUSIVE', 'EXCLUSIVE']),
  maxUnacknowledged: z.int().optional(),
  maxMessages: z.int().optional(),
  maxBytes: z.int().optional(),
  maxMessageBytes: z.int().optional(),
  whenFull: z.enum(['refuse-messages', 'refuse-all']),
  maxInFlight: z.int(),
  shape: z.enum(['notify', 'state']),
  start: offsets.describe('where it began, for each topic the offset per partition'),
  end: offsets.optional(),
  paused: z.boolean(),
  bindings: bindingsShape.optional().describe('of a channel, which is changed by `PUT /v1/channels/{name}`'),
  webhook: z.string().optional().describe('the webhook it was made for, and goes with'),
  createdAt: z.string(),
  updatedAt: z.string(),
  statistics: queueStatisticsShape.optional().describe('left out in a list for queues of other instances: ask for one'),
});

export type QueueView = z.infer<typeof queueViewShape>;
export type QueueStatisticsView = z.infer<typeof queueStatisticsShape>;

/** A definition as it is shown. */
export function queueView(definition: QueueDefinition, statistics?: QueueStatisticsView): QueueView {
  const {
    name,
    version,
    types,
    topicPatterns,
    topics,
    filter,
    order,
    leaseMs,
    retry,
    deadLetters,
    ttlMs,
    maxInFlight,
  } = definition;
  const { respectTtl = true, deadLetterQueue, maxRedeliveryCount, accessType = 'NON_EXCLUSIVE' } = definition;
  const { bindings, maxUnacknowledged, shape, start, end, paused, implicit, createdAt, updatedAt } = definition;
  const { maxMessages, maxBytes, maxMessageBytes, whenFull = 'refuse-messages' } = definition;
  return {
    name,
    version,
    types,
    ...(topicPatterns === undefined ? {} : { topicPatterns }),
    ...(topics === undefined ? {} : { topics: topics.map(objectOf) }),
    filter,
    order,
    leaseMs,
    retry,
    deadLetters,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    respectTtl,
    ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }),
    ...(maxRedeliveryCount === undefined ? {} : { maxRedeliveryCount }),
    accessType,
    ...(maxUnacknowledged === undefined ? {} : { maxUnacknowledged }),
    ...(maxMessages === undefined ? {} : { maxMessages }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    whenFull,
    maxInFlight,
    shape,
    start: shownOffsets(start),
    ...(end === undefined ? {} : { end: shownOffsets(end) }),
    paused,
    ...(bindings === undefined ? {} : { bindings }),
    ...(implicit ? { webhook: name } : {}),
    createdAt,
    updatedAt,
    ...(statistics === undefined ? {} : { statistics }),
  };
}

/** What an engine's statistics come to for those who look at them now. */
export function statisticsView(
  { ready, leased, waiting, parked, messages, bytes, dead, dropped, oldestAppendedAt, gaps }: QueueStatistics,
  {
    now,
    lag,
    drained,
    rates,
    receivers,
  }: {
    now: number;
    lag: number;
    drained: boolean | undefined;
    rates: { in: number; out: number };
    receivers: { leased: number; waiting: number };
  },
): QueueStatisticsView {
  return {
    ready,
    leased,
    waiting,
    parked,
    messages,
    bytes,
    dead,
    dropped,
    ...(oldestAppendedAt === undefined ? {} : { oldestAgeMs: Math.max(0, now - oldestAppendedAt) }),
    lag,
    ...(drained === undefined ? {} : { drained }),
    rates: { inPerSecond: rates.in, outPerSecond: rates.out },
    gaps: gaps.map((gap) => ({ ...gap, topic: objectOf(gap.topic), at: new Date(gap.at).toISOString() })),
    receivers: { leases: receivers.leased, waiting: receivers.waiting },
  };
}
