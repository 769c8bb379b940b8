import { z } from 'zod';
import { countsShape, monitorShape, redriveBody } from '../ledger/ledger.shape.js';
import { queueViewShape } from '../queues/queue-view.js';
import { queueFields } from '../queues/queue.shape.js';
import { bindingsShape } from './binding.shape.js';

/** The body of `PUT /v1/channels/{name}`: a queue's, with bindings in place of what it selects by. */
export const channelShape = z
  .strictObject(queueFields)
  .omit({ types: true, topicPatterns: true, topics: true, filter: true, end: true, paused: true })
  .extend({
    bindings: bindingsShape.describe('which event types leave; no two have a type in common'),
    active: z
      .boolean()
      .optional()
      .describe('a channel that is not active keeps its events; true for a new one, as it was when left out'),
  });

export type ChannelRequest = z.output<typeof channelShape>;

/** What `GET /v1/channels/{name}` answers: its queue, with bindings in place of what it selects by. */
export const channelViewShape = queueViewShape
  .omit({ types: true, topicPatterns: true, topics: true, filter: true, end: true, paused: true, webhook: true })
  .extend({ active: z.boolean(), bindings: bindingsShape });

export type ChannelView = z.infer<typeof channelViewShape>;

export const channelCheckShape = z.object({
  channel: z.string(),
  ok: z.boolean().describe('whether all below are'),
  checks: z.array(
    z.object({
      of: z.enum(['queue', 'activation', 'webhook', 'receivers']),
      name: z.string().optional().describe('of the webhook'),
      ok: z.boolean(),
      detail: z.string().describe('what was found, and what helps where it is not ok'),
      lastSuccessAt: z.string().optional(),
      lastFailureAt: z.string().optional(),
      lastFailure: z.string().optional(),
    }),
  ),
});

export type ChannelCheck = z.infer<typeof channelCheckShape>;

export const channelMonitorShape = monitorShape.omit({ queue: true, types: true }).extend({
  channel: z.string(),
  active: z.boolean(),
  bindings: z.array(countsShape).describe('for each binding, in their order, what became of the events of its types'),
  unbound: z.array(countsShape).describe('of types that no binding has any more, or that were published to its queue'),
});

/** The body of `POST /v1/channels/{name}/retry`. */
export const retryShape = z
  .strictObject({
    ids: redriveBody.shape.ids.describe('dead letters of this channel; all open ones when left out'),
    type: z.string().min(1).max(256).optional().describe('only those of this event type'),
    dryRun: redriveBody.shape.dryRun,
    ratePerSecond: redriveBody.shape.ratePerSecond,
  })
  .refine(({ ids, type }) => ids === undefined || type === undefined, {
    path: ['type'],
    message: 'stands alone: ids say which already',
  });

export type RetryRequest = z.output<typeof retryShape>;
