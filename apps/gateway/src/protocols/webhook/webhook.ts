import { randomBytes } from 'node:crypto';
import { HeddleError, typeMatcher } from '@heddle/event';
import { z } from 'zod';

/** A webhook's definition, as it stands in `heddle.queues` under `webhook/<tenant>/<name>`. */
export interface WebhookDefinition {
  format: 1;
  tenant: string;
  name: string;
  /** The queue it reads; it brings its own, of the same name. */
  queue: string;
  url: string;
  contentMode: 'binary' | 'structured';
  /** Standard Webhooks secret: `whsec_` and 24 to 64 bytes in base64. */
  secret: string;
  createdAt: string;
  updatedAt: string;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const MAX_URL_LENGTH = 2048;

/** The body of `PUT /v1/webhooks/{name}`. */
export const webhookShape = z.strictObject({
  types: z
    .array(z.string().min(1).max(256))
    .min(1, 'must name at least one event type, exact or with * at its end')
    .max(100)
    .refine(areTypePatterns, 'must be event types, exact or with * at their end')
    .describe('event types, exact or with a trailing *'),
  url: z
    .string()
    .max(MAX_URL_LENGTH)
    .refine(isReceiverUrl, 'must be an http or https URL without user, password and fragment'),
  contentMode: z.enum(['binary', 'structured']).default('structured').describe('how the CloudEvent is put into HTTP'),
  secret: z
    .string()
    .refine(isSecret, 'must be whsec_ and 24 to 64 bytes in base64')
    .optional()
    .describe('signing secret; one is made and returned once when it is left out'),
  start: z
    .enum(['now', 'earliest'])
    .default('now')
    .describe('where a new webhook begins; changing a webhook keeps its position'),
});

export type WebhookRequest = z.infer<typeof webhookShape>;

/** What GET answers; the secret is shown only by the PUT that made it. */
export const webhookViewShape = z.object({
  name: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  contentMode: z.enum(['binary', 'structured']),
  secret: z.string().optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  delivery: z.object({
    held: z.int().describe('events taken from the log and not yet settled'),
    inFlight: z.int().describe('events being delivered now'),
    retryingKeys: z.int().describe('business keys that wait for a retry'),
    delivered: z.int().describe('since this instance started'),
    failedAttempts: z.int().describe('since this instance started'),
    lostToRetention: z.int(),
    lastStatus: z.string().optional(),
    lastAttemptAt: z.string().optional(),
  }),
});

export type WebhookView = z.infer<typeof webhookViewShape>;

/** @throws HeddleError `parameter-invalid` */
export function checkWebhookName(name: string): string {
  if (!NAME.test(name)) {
    throw new HeddleError('parameter-invalid', 'A webhook name is 1 to 64 of a-z, 0-9 and hyphens inside.', {
      field: 'name',
    });
  }
  return name;
}

/** A new signing secret. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** The key bytes of a signing secret. */
export function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

function isSecret(secret: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) return false;
  const { length } = secretBytes(secret);
  return length >= 24 && length <= 64;
}

function areTypePatterns(patterns: readonly string[]): boolean {
  try {
    typeMatcher(patterns);
    return true;
  } catch {
    return false;
  }
}

function isReceiverUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '';
}
