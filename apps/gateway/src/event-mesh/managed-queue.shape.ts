import { z } from 'zod';

const SECONDS_OF_30_DAYS = 2_592_000;
const MAX_UNACKNOWLEDGED = 100_000;
const MAX_REDELIVERIES = 255;

/** What is counted here: taken, so that what was read can be put back, and not looked at. */
const unread = z.int().min(0).optional();

/** The body of `PUT …/queues/{queue}`. What is left out is as it was, or of a new queue as it is by default. */
export const managedQueueShape = z.strictObject({
  name: z.string().max(164).optional().describe('taken and not looked at: the path names it'),
  accessType: z
    .enum(['EXCLUSIVE', 'NON_EXCLUSIVE'])
    .optional()
    .describe('one receiver at a time, the others stand by; or all of them in turn'),
  maxDeliveredUnackedMsgsPerFlow: z
    .int()
    .min(1)
    .max(MAX_UNACKNOWLEDGED)
    .optional()
    .describe('messages that one receiver may have and not acknowledged, at most'),
  maxRedeliveryCount: z
    .int()
    .min(0)
    .max(MAX_REDELIVERIES)
    .optional()
    .describe('times a message is delivered again before it is given up; 0 until it is too old'),
  deadMsgQueue: z
    .string()
    .max(164)
    .optional()
    .describe('the queue that gets what is given up; it has to be there. None when empty'),
  respectTtl: z.boolean().optional().describe('whether messages expire as they say themselves'),
  maxTtl: z
    .int()
    .min(0)
    .max(SECONDS_OF_30_DAYS)
    .optional()
    .describe('seconds after which any message expires; 0 for never'),
  maxQueueSizeInBytes: z
    .int()
    .min(0)
    .optional()
    .describe(
      'bytes held, from which on what is published to it is refused; 0, or more than can be counted here, for as many as the log has',
    ),
  maxQueueMessageCount: z.int().min(0).optional().describe('the same in messages'),
  maxMessageSizeInBytes: z.int().min(0).optional().describe('bytes of one message'),
  messageCount: unread,
  queueSizeInBytes: unread,
  unacknowledgedMessageCount: unread,
});

export type ManagedQueueRequest = z.output<typeof managedQueueShape>;

const count = z.int();
const counts = {
  messageCount: count.optional().describe('left out in a list for queues of other instances: ask for one'),
  queueSizeInBytes: count.optional().describe('an estimate'),
  unacknowledgedMessageCount: count.optional(),
};

/** A queue as it is shown. */
export const managedQueueViewShape = z.object({
  name: z.string(),
  ...counts,
  maxQueueSizeInBytes: count.describe('0: as large as the log'),
  maxQueueMessageCount: count.describe('0: as many as the log has'),
  maxMessageSizeInBytes: count,
  accessType: z.string(),
  maxDeliveredUnackedMsgsPerFlow: count,
  maxRedeliveryCount: count,
  deadMsgQueue: z.string().optional(),
  respectTtl: z.boolean(),
  maxTtl: count,
});

export type ManagedQueueView = z.output<typeof managedQueueViewShape>;

/** A subscription of a queue to topics. */
export const queueSubscriptionShape = z.object({ queueName: z.string(), topicPattern: z.string() });

export type QueueSubscription = z.output<typeof queueSubscriptionShape>;

/** What `GET …/queuesStatistics` has of each, and `GET …/queues/{queue}/statistics` of one. */
export const queueCountsShape = z.object({ name: z.string(), ...counts });

/** What `GET …/statistics` answers: of the queues and webhooks that the client may know of. */
export const instanceCountsShape = z.object({
  queueCount: count,
  webhookCount: count,
  messageCount: count,
  queueSizeInBytes: count,
  unacknowledgedMessageCount: count,
});

const usage = z.object({ used: count, limit: count });

/** What `GET …/resourceusage` answers: of the tenant. */
export const resourceUsageShape = z.object({ queues: usage, webhooks: usage });
