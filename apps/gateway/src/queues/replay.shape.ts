import { z } from 'zod';
import { filterShape } from '../filters/filter.shape.js';
import { endShape } from './queue.shape.js';

/** What a replay may ask for. */
const REPLAY_LIMITS = { eventIds: 100, ratePerSecond: 50_000 } as const;

const instant = z.iso.datetime({ offset: true, error: 'must be a time, as 2026-01-31T12:00:00Z' });
const offsets = z.record(z.string().min(1).max(249), z.array(z.int().min(0)).min(1));
const count = z.int();

/** The body of `POST /v1/queues/{name}/replay`. */
export const replayRequestShape = z.strictObject({
  from: z
    .union(
      [z.enum(['earliest']), z.strictObject({ time: instant }), z.strictObject({ offsets })],
      'must be "earliest", {"time": …} or {"offsets": …}',
    )
    .optional()
    .describe('where it begins; may be left out with eventIds only. With offsets, the topics named are replayed'),
  to: endShape.default('now').describe('where it ends, exclusive; what is appended after the request is never in it'),
  key: z.string().min(1).optional().describe('only events of this business key; only their partition is read'),
  eventIds: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(REPLAY_LIMITS.eventIds)
    .optional()
    .describe('only these events; found by the index, or by reading the window where it does not know all of them'),
  filter: filterShape.default([]).describe('further filters, which must match with those of the queue'),
  ratePerSecond: z
    .number()
    .min(0.1)
    .max(REPLAY_LIMITS.ratePerSecond)
    .default(500)
    .describe('deliveries begun per second, at most'),
  dryRun: z.boolean().default(false).describe('only count'),
});

export type ReplayRequest = z.output<typeof replayRequestShape>;

const reportShape = z.object({
  taken: count.describe('events that are to be delivered again, as far as it has looked'),
  accepted: count,
  dead: count.describe('given up: dead letters of this delivery cycle'),
  dropped: count.describe('whose time to live was over'),
});

const offsetsShape = z.record(z.string(), z.array(z.int()));

export const replayShape = z.object({
  id: z.string().describe('also the delivery cycle of all it delivers'),
  queue: z.string(),
  state: z.enum(['running', 'done', 'stopped']),
  start: offsetsShape.describe('where it began, for each topic the offset per partition'),
  end: offsetsShape.describe('where it ends, exclusive'),
  key: z.string().optional(),
  eventIds: z.array(z.string()).optional(),
  filter: z.array(z.record(z.string(), z.unknown())),
  ratePerSecond: z.number(),
  requestedAt: z.string(),
  endedAt: z.string().optional(),
  report: reportShape.describe(
    'counted by each owner in turn; one that dies takes up to ten seconds of counts with it',
  ),
  progress: z
    .object({
      lookedAt: count.describe('records of the log'),
      of: count,
      open: count.describe('deliveries held: ready, leased, or waiting for their next attempt'),
      perSecond: z.number().describe('deliveries ended, over the last minute'),
      etaSeconds: count.optional().describe('at this rate; left out while there is none'),
      gaps: count.describe('records of the window that the log no longer had'),
    })
    .optional()
    .describe('of one that runs'),
});

export type ReplayView = z.infer<typeof replayShape>;

export const replayCountShape = z.object({
  events: count.describe('that would be delivered again'),
  isEstimate: z.boolean().describe('true when only a part of the window was read, and the rest is taken to be like it'),
  lookedAt: count.describe('records of the log'),
  of: count,
});

export type ReplayCount = z.infer<typeof replayCountShape>;
