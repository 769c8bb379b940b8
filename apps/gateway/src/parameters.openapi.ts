import { z } from 'zod';
import { CLIENT, TENANT } from './identity/client.js';
import { WEBHOOK_NAME } from './protocols/webhook/webhook.js';
import { QUEUE_NAME } from './queues/queue.shape.js';

/** A business key, as `canonicalKey` takes it: not blank, and without control characters. */
const key = z
  .string()
  .max(256)
  // oxlint-disable-next-line no-control-regex -- control characters are what it leaves out
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$/);

/** The path parameters of operations, as the OpenAPI document shows their rules. */
export const PARAMS = {
  name: { name: z.string().regex(QUEUE_NAME).max(164) },
  webhook: { name: z.string().regex(WEBHOOK_NAME) },
  client: { client: z.string().regex(CLIENT) },
  tenant: { tenant: z.string().regex(TENANT) },
  letter: { id: z.string().regex(/^[0-9]{1,5}-[0-9]{1,15}$/) },
  schema: { id: z.string().regex(/^[0-9]{1,10}$/) },
  object: { object: z.string().regex(/^[a-z0-9-]+$/), key },
  key: { object: z.string().min(1), key },
} as const;

export const IF_MATCH = { 'If-Match': 'the ETag of the version to change, or * for any; any when not sent' };

/** Only what is not there yet is made. */
export const IF_NONE_MATCH = { 'If-None-Match': '* to make it, and not to change one' };
