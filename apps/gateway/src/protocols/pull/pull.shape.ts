import { z } from 'zod';
import { stateShape } from '../websocket/queue-frame.shape.js';
import { LEASE_LIMITS } from '../../queues/lease-book.js';

/** What one request may ask for at most. */
export const PULL_LIMITS = {
  deliveries: 1000,
  settlements: 1000,
  waitMs: 30_000,
  delayMs: 7 * 86_400_000,
  reasonLength: 1024,
  leaseLength: 128,
} as const;

const leaseMs = z.int().min(LEASE_LIMITS.minMs).max(LEASE_LIMITS.maxMs);
const lease = z.string().min(1).max(PULL_LIMITS.leaseLength).describe('the token that a delivery was handed out with');
const moment = z.string().describe('RFC 3339, UTC');

/** The body of `POST /v1/queues/{name}/receive`. */
export const receiveShape = z.strictObject({
  max: z.int().min(1).max(PULL_LIMITS.deliveries).default(1).describe('deliveries at most'),
  waitMs: z
    .int()
    .min(0)
    .max(PULL_LIMITS.waitMs)
    .default(0)
    .describe('milliseconds to wait for the first delivery; what is ready is answered at once'),
  leaseMs: leaseMs.optional().describe('milliseconds each lease lasts; those of the queue when left out'),
});

export type ReceiveRequest = z.output<typeof receiveShape>;

export const receivedShape = z.object({
  deliveries: z.array(
    z.object({
      lease,
      expiresAt: moment.describe('until when it has to be settled or renewed'),
      attempt: z.int().describe('the first is 1'),
      redelivery: z.enum(['yes', 'maybe', 'no']).describe('whether a receiver had this event before'),
      cycle: z.string().optional().describe('the replay or redrive it belongs to'),
      event: z.record(z.string(), z.unknown()).describe('CloudEvents JSON format'),
      state: stateShape,
    }),
  ),
});

/** The body of `POST /v1/queues/{name}/settle`. */
export const settleShape = z.strictObject({
  settlements: z
    .array(
      z.strictObject({
        lease,
        action: z.enum(['accept', 'release', 'reject', 'renew']),
        delayMs: z
          .int()
          .min(0)
          .max(PULL_LIMITS.delayMs)
          .optional()
          .describe('of a release: milliseconds until the next attempt; the retry schedule says it when left out'),
        reason: z
          .string()
          .max(PULL_LIMITS.reasonLength)
          .optional()
          .describe('of a release or reject: kept with the attempt'),
        leaseMs: leaseMs.optional().describe('of a renew: milliseconds from now; those of the queue when left out'),
      }),
    )
    .min(1)
    .max(PULL_LIMITS.settlements),
});

export type SettleRequest = z.output<typeof settleShape>;

export const settledShape = z.object({
  results: z
    .array(
      z.object({
        lease,
        state: z.enum(['accepted', 'released', 'rejected', 'dead', 'renewed']).optional(),
        dueAt: moment.optional().describe('released: when the next attempt may come'),
        reason: z.string().optional().describe('dead: why there is no further attempt'),
        expiresAt: moment.optional().describe('renewed: until when'),
        code: z.string().optional().describe('instead of a state, where this lease could not be settled'),
      }),
    )
    .describe('one for each settlement, in their order'),
});
