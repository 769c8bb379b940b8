import { z } from 'zod';
import { deliveryShape, leaseMsShape, resultShape, settlementsShape } from '../lease.shape.js';

/** What one request may ask for at most. */
const PULL_LIMITS = { deliveries: 1000, waitMs: 30_000 } as const;

/** The body of `POST /v1/queues/{name}/receive`. */
export const receiveShape = z.strictObject({
  max: z.int().min(1).max(PULL_LIMITS.deliveries).default(1).describe('deliveries at most'),
  waitMs: z
    .int()
    .min(0)
    .max(PULL_LIMITS.waitMs)
    .default(0)
    .describe('milliseconds to wait for the first delivery; what is ready is answered at once'),
  leaseMs: leaseMsShape.optional().describe('milliseconds each lease lasts; those of the queue when left out'),
});

export type ReceiveRequest = z.output<typeof receiveShape>;

export const receivedShape = z.object({ deliveries: z.array(deliveryShape) });

/** The body of `POST /v1/queues/{name}/settle`. */
export const settleShape = z.strictObject({ settlements: settlementsShape });

export type SettleRequest = z.output<typeof settleShape>;

export const settledShape = z.object({
  results: z.array(resultShape).describe('one for each settlement, in their order'),
});
