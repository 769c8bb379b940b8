import { z } from 'zod';
import { LEASE_LIMITS } from '../queues/lease-book.js';

/** What a client may say of leases at once, over HTTP and WebSocket alike. */
export const SETTLE_LIMITS = {
  settlements: 1000,
  delayMs: 7 * 86_400_000,
  reasonLength: 1024,
  leaseLength: 128,
} as const;

export const leaseMsShape = z.int().min(LEASE_LIMITS.minMs).max(LEASE_LIMITS.maxMs);
export const leaseShape = z
  .string()
  .min(1)
  .max(SETTLE_LIMITS.leaseLength)
  .describe('the token that a delivery was handed out with');
export const momentShape = z.string().describe('RFC 3339, UTC');

/** In deliveries of a queue of shape `state`, beside the event. */
const stateShape = z
  .union([
    z.strictObject({ version: z.string(), object: z.unknown().describe('as the service that owns it answered') }),
    z.strictObject({ version: z.string(), gone: z.literal(true).describe('the object is deleted') }),
    z.null(),
  ])
  .optional()
  .describe(
    'from a queue of shape `state`: the object that the event speaks of, never older than the event; null for an event that refers to none',
  );

/** An event that is handed out under a lease. */
export const deliveryShape = z.object({
  lease: leaseShape,
  expiresAt: momentShape.describe('until when it has to be settled or renewed'),
  attempt: z.int().describe('the first is 1'),
  redelivery: z.enum(['yes', 'maybe', 'no']).describe('whether a receiver had this event before'),
  cycle: z.string().optional().describe('the replay or redrive it belongs to'),
  event: z.record(z.string(), z.unknown()).describe('CloudEvents JSON format'),
  state: stateShape,
});

/** What a client says of deliveries. */
export const settlementsShape = z
  .array(
    z.strictObject({
      lease: leaseShape,
      action: z.enum(['accept', 'release', 'reject', 'renew']),
      delayMs: z
        .int()
        .min(0)
        .max(SETTLE_LIMITS.delayMs)
        .optional()
        .describe('of a release: milliseconds until the next attempt; the retry schedule says it when left out'),
      reason: z
        .string()
        .max(SETTLE_LIMITS.reasonLength)
        .optional()
        .describe('of a release or reject: kept with the attempt'),
      leaseMs: leaseMsShape
        .optional()
        .describe('of a renew: milliseconds from now; as long as leases last here when left out'),
    }),
  )
  .min(1)
  .max(SETTLE_LIMITS.settlements);

/** What became of one of them. */
export const resultShape = z.object({
  lease: leaseShape,
  state: z.enum(['accepted', 'released', 'rejected', 'dead', 'renewed']).optional(),
  dueAt: momentShape.optional().describe('released: when the next attempt may come'),
  reason: z.string().optional().describe('dead: why there is no further attempt'),
  expiresAt: momentShape.optional().describe('renewed: until when'),
  code: z.string().optional().describe('instead of a state, where this lease could not be settled'),
});
