import { MAX_TOKEN } from '@heddle/auth';
import { z } from 'zod';
import { LEASE_LIMITS } from '../../queues/lease-book.js';

/** What one frame or one connection may hold at most. */
export const QUEUE_LIMITS = {
  settlements: 1000,
  /** Deliveries that a client may have asked for and not yet been given. */
  credit: 10_000,
  /** Deliveries in one frame; a frame also ends at about 64 KiB of events. */
  batch: 200,
  /** Leases that a client may come back with. */
  resumed: 10_000,
} as const;

const MAX_DELAY_MS = 7 * 24 * 3_600_000;

const id = z.string().max(64).optional().describe('anything; what answers this frame bears the same');
const lease = z.string().min(1).max(128).describe('the token that a delivery was handed out with');
const leaseMs = z.int().min(LEASE_LIMITS.minMs).max(LEASE_LIMITS.maxMs);
const moment = z.string().describe('RFC 3339, UTC');
const code = z.string().describe('one of the stable codes of errors');

/** In deliveries of a queue of shape `state`, beside the event. */
export const stateShape = z
  .union([
    z.strictObject({ version: z.string(), object: z.unknown().describe('as the service that owns it answered') }),
    z.strictObject({ version: z.string(), gone: z.literal(true).describe('the object is deleted') }),
    z.null(),
  ])
  .optional()
  .describe(
    'from a queue of shape `state`: the object that the event speaks of, never older than the event; null for an event that refers to none',
  );

/** What a client says, by kind. */
export const CLIENT_FRAMES = {
  hello: z
    .strictObject({
      kind: z.literal('hello'),
      id,
      leaseMs: leaseMs.optional().describe('milliseconds each lease lasts; those of the queue when left out'),
      batch: z.int().min(1).max(QUEUE_LIMITS.batch).optional().describe('deliveries in one frame at most'),
      resume: z
        .strictObject({
          connection: z.string().max(64).optional().describe('the connection it had before, as its `ready` said'),
          leases: z.array(lease).max(QUEUE_LIMITS.resumed).describe('what it still works on: each is renewed'),
        })
        .optional(),
    })
    .describe('The first frame of a client; answered with `ready`'),
  credit: z
    .strictObject({ kind: z.literal('credit'), id, add: z.int().min(1).max(QUEUE_LIMITS.credit) })
    .describe('Asks for so many deliveries more; never are more written than were asked for'),
  settle: z
    .strictObject({
      kind: z.literal('settle'),
      id,
      settlements: z
        .array(
          z.strictObject({
            lease,
            action: z.enum(['accept', 'release', 'reject', 'renew']),
            delayMs: z
              .int()
              .min(0)
              .max(MAX_DELAY_MS)
              .optional()
              .describe('of a release: milliseconds until the next attempt; the retry schedule says it when left out'),
            reason: z.string().max(1024).optional().describe('of a release or reject: kept with the attempt'),
            leaseMs: leaseMs.optional().describe('of a renew: milliseconds from now'),
          }),
        )
        .min(1)
        .max(QUEUE_LIMITS.settlements),
    })
    .describe('Ends or renews leases; answered with `settled` when all of it is durable'),
  authenticate: z
    .strictObject({
      kind: z.literal('authenticate'),
      id,
      token: z.string().min(1).max(MAX_TOKEN).describe('a new access token of the same client'),
    })
    .describe('Goes on beyond the end of the access token; answered with `authenticated`'),
} as const;

/** What the gateway says, by kind. Clients pass over fields and kinds they do not know: more may come. */
export const SERVER_FRAMES = {
  ready: z
    .strictObject({
      kind: z.literal('ready'),
      id,
      queue: z.string(),
      connection: z.string().describe('what to resume with after a reconnect'),
      epoch: z.int().describe('rises with every owner of the queue; leases of an earlier one are lost'),
      leaseMs: z.int().describe('milliseconds each lease lasts'),
      resumed: z
        .strictObject({
          held: z.array(z.strictObject({ lease, expiresAt: moment })).describe('still held, and until when'),
          lost: z.array(z.strictObject({ lease, code })).describe('no longer held, and why'),
          returned: z.int().describe('deliveries of the connection before that never arrived: they come again now'),
        })
        .optional(),
    })
    .describe('The answer to `hello`'),
  deliveries: z
    .strictObject({
      kind: z.literal('deliveries'),
      deliveries: z.array(
        z.strictObject({
          lease,
          expiresAt: moment,
          attempt: z.int().describe('the first is 1'),
          redelivery: z.enum(['yes', 'maybe', 'no']).describe('whether a receiver had this event before'),
          cycle: z.string().optional().describe('the replay or redrive it belongs to'),
          event: z.record(z.string(), z.unknown()).describe('CloudEvents JSON format'),
          state: stateShape,
        }),
      ),
    })
    .describe('Deliveries, each under a lease; one unit of credit is used for each'),
  settled: z
    .strictObject({
      kind: z.literal('settled'),
      id,
      results: z.array(
        z.strictObject({
          lease,
          state: z.enum(['accepted', 'released', 'rejected', 'dead', 'renewed']).optional(),
          dueAt: moment.optional().describe('released: when the next attempt may come'),
          reason: z.string().optional().describe('dead: why there is no further attempt'),
          expiresAt: moment.optional().describe('renewed: until when'),
          code: code.optional().describe('instead of a state, where this lease could not be settled'),
        }),
      ),
    })
    .describe('The answer to `settle`: a result for each settlement, in their order'),
  authenticated: z
    .strictObject({
      kind: z.literal('authenticated'),
      id,
      expiresAt: moment.describe('the end of the new token; the connection ends 30 seconds later at the latest'),
    })
    .describe('The answer to `authenticate`'),
  problem: z
    .strictObject({
      kind: z.literal('problem'),
      id,
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      code,
      retryable: z.boolean(),
      field: z.string().optional(),
      errors: z.array(z.strictObject({ field: z.string(), rule: z.string() })).optional(),
    })
    .describe('RFC 9457: a frame was not understood, and nothing of it was done; the connection goes on'),
  closing: z
    .strictObject({
      kind: z.literal('closing'),
      reason: z.enum(['stopping', 'moved', 'deleted', 'replaced', 'slow', 'expired', 'revoked']),
    })
    .describe('The last frame: the connection is closed after it, with the code of the reason'),
} as const;
