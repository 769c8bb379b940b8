import { z } from 'zod';
import { SETTLE_LIMITS } from '../lease.shape.js';
import { receiveShape, receivedShape, settleShape, settledShape } from './pull.shape.js';

const wait = z.string().min(1).max(64).describe('names a wait, so that it can be ended before its time');

/** The body of `POST /v1/tenants/{tenant}/queues/{name}/leases`. */
export const lentShape = z.discriminatedUnion('what', [
  z.strictObject({
    what: z.literal('receive'),
    ...receiveShape.shape,
    receiver: z.strictObject({ kind: z.enum(['amqp', 'mqtt']), name: z.string() }).describe('as the attempts show it'),
    link: z.string().min(1).max(64).describe('tells one receiver from another of the same name'),
    wait: wait.optional(),
  }),
  z.strictObject({ what: z.literal('settle'), ...settleShape.shape }),
  z.strictObject({
    what: z.literal('hand-back'),
    leases: z
      .array(z.string().max(SETTLE_LIMITS.leaseLength))
      .max(SETTLE_LIMITS.settlements)
      .describe('what no client has seen: no attempt was made'),
  }),
  z.strictObject({ what: z.literal('leave'), wait }),
]);

export type LentRequest = z.output<typeof lentShape>;

/** What is answered: deliveries, with the bytes of raw messages as `data_base64`; results; or nothing. */
export const lentAnswerShape = z.union([receivedShape, settledShape, z.strictObject({})]);
