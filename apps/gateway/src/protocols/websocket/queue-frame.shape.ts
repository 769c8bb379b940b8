import { MAX_TOKEN } from '@heddle/auth';
import { z } from 'zod';
import {
  deliveryShape,
  leaseMsShape as leaseMs,
  leaseShape as lease,
  momentShape as moment,
  resultShape,
  settlementsShape,
} from '../lease.shape.js';

/** What one frame or one connection may hold at most. */
export const QUEUE_LIMITS = {
  /** Deliveries that a client may have asked for and not yet been given. */
  credit: 10_000,
  /** Deliveries in one frame; a frame also ends at about 64 KiB of events. */
  batch: 200,
  /** Leases that a client may come back with. */
  resumed: 10_000,
} as const;

const id = z.string().max(64).optional().describe('anything; what answers this frame bears the same');
const code = z.string().describe('one of the stable codes of errors');

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
      settlements: settlementsShape,
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
      deliveries: z.array(z.strictObject(deliveryShape.shape)),
    })
    .describe('Deliveries, each under a lease; one unit of credit is used for each'),
  settled: z
    .strictObject({
      kind: z.literal('settled'),
      id,
      results: z.array(z.strictObject(resultShape.shape)),
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
