import { z } from 'zod';
import type { AttemptOutcome } from '../../deliver.js';
import type { QueueDefinition } from '../../queues/queue.js';
import { shownHeader } from './request-maker.js';
import { secretView } from './secrets.js';
import { shownAuth } from './webhook-change.js';
import { type WebhookDefinition, standstillOf } from './webhook.js';

const secretShape = z.object({
  kind: z.enum(['v1', 'v1a']),
  secret: z.string().describe('masked'),
  publicKey: z.string().optional().describe('of v1a: what the receiver verifies with'),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
});

/** What the receiver of a webhook says of its work since this instance owns it. */
const statisticsShape = z.looseObject({
  held: z.int().describe('events taken from the log and not yet settled'),
  inFlight: z.int().describe('events being delivered now'),
  delivered: z.int(),
  failedAttempts: z.int(),
  lastStatus: z.string().optional(),
  lastSuccessAt: z.string().optional(),
  lastFailureAt: z.string().optional(),
  lastFailure: z.string().optional().describe('why the last attempt failed that did'),
  lastAttemptAt: z.string().optional(),
});

export type WebhookStatistics = z.infer<typeof statisticsShape>;

/** What GET answers. Secrets and credentials are masked; the PUT or rotation that made a secret shows it once. */
export const webhookViewShape = z.object({
  name: z.string(),
  queue: z.string(),
  state: z
    .enum(['active', 'paused', 'disabled', 'no-consent', 'unreadable'])
    .describe(
      'whether it is delivered to; its events are kept when it is not. Unreadable: no master key opens its secrets',
    ),
  url: z.string(),
  types: z.array(z.string()),
  contentMode: z.enum(['binary', 'structured', 'raw']),
  defaultContentType: z.string().optional(),
  secret: z.string().optional().describe('only in the answer to the request that made it'),
  secrets: z.array(secretShape),
  headers: z.record(z.string(), z.string()),
  auth: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())]))),
  delivery: z.object({
    ratePerSecond: z.number().optional(),
    maxInFlight: z.int(),
    timeoutMs: z.int(),
    batch: z.object({ size: z.int(), waitMs: z.int() }).optional(),
    atMostOnce: z.boolean().optional(),
  }),
  handshake: z.object({
    state: z.enum(['exempt', 'asking', 'pending', 'granted', 'refused', 'expired']),
    origin: z.string().optional(),
    requestedRatePerMinute: z.int().optional(),
    ratePerMinute: z.int().optional().describe('what the receiver allowed; any when it is not there'),
    since: z.string().optional(),
    reason: z.string().optional(),
  }),
  paused: z.boolean(),
  subscription: z
    .object({ door: z.enum(['messaging', 'events']), client: z.string(), asked: z.record(z.string(), z.unknown()) })
    .optional()
    .describe('as what it was made, at a door of SAP Event Mesh'),
  disabled: z.object({ at: z.string(), reason: z.string() }).optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  statistics: statisticsShape.optional(),
});

export type WebhookView = z.infer<typeof webhookViewShape>;

/** What a test answers: the request as it went out, and what became of it. */
export const testViewShape = z.object({
  event: z.object({ id: z.string(), type: z.string(), isSample: z.boolean() }),
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: z.array(z.string()).describe('names and values in turn; credentials are masked'),
  }),
  attempt: z.object({
    delivered: z.boolean(),
    status: z.int().optional(),
    errorClass: z.string().optional(),
    error: z.string().optional(),
    phases: z.object({
      connectMs: z.number().optional(),
      firstByteMs: z.number().optional(),
      totalMs: z.number(),
    }),
    excerpt: z.string().optional().describe('the beginning of an answer that was no success'),
  }),
});

export type TestView = z.infer<typeof testViewShape>;

/** A webhook as it is shown. */
export function webhookView(
  webhook: WebhookDefinition,
  queue: QueueDefinition | undefined,
  statistics: WebhookStatistics | undefined,
): WebhookView {
  return {
    name: webhook.name,
    queue: webhook.queue,
    state: standstillOf(webhook) ?? 'active',
    url: webhook.url,
    types: queue?.types ?? [],
    contentMode: webhook.contentMode,
    ...(webhook.defaultContentType === undefined ? {} : { defaultContentType: webhook.defaultContentType }),
    secrets: webhook.secrets.map(secretView),
    headers: Object.fromEntries(
      Object.entries(webhook.headers).map(([name, value]) => [name, shownHeader(name, value)]),
    ),
    auth: shownAuth(webhook.auth) as WebhookView['auth'],
    delivery: webhook.delivery,
    handshake: handshakeView(webhook),
    paused: webhook.paused,
    ...(webhook.subscription === undefined ? {} : { subscription: webhook.subscription }),
    ...(webhook.disabled === undefined ? {} : { disabled: webhook.disabled }),
    createdAt: webhook.createdAt,
    updatedAt: webhook.updatedAt,
    ...(statistics === undefined ? {} : { statistics }),
  };
}

function handshakeView({ handshake, consent }: WebhookDefinition): WebhookView['handshake'] {
  const { state } = consent;
  if (handshake === 'exempt') return { state };
  const { origin, ratePerMinute: requestedRatePerMinute } = handshake;
  const reason =
    consent.state === 'refused' ? consent.reason : consent.state === 'asking' ? consent.lastError : undefined;
  const ratePerMinute = consent.state === 'granted' ? consent.ratePerMinute : undefined;
  const since = 'since' in consent ? consent.since : 'at' in consent ? consent.at : undefined;
  return {
    state,
    origin,
    ...(requestedRatePerMinute === undefined ? {} : { requestedRatePerMinute }),
    ...(ratePerMinute === undefined ? {} : { ratePerMinute }),
    ...(since === undefined ? {} : { since }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** An attempt as a test shows it. */
export function attemptView(outcome: AttemptOutcome): TestView['attempt'] {
  const { status, error, connectMs, firstByteMs, totalMs, excerpt } = outcome;
  return {
    delivered: error === undefined && status >= 200 && status < 300,
    ...(status === 0 ? {} : { status }),
    ...(error === undefined ? {} : { errorClass: error.class, error: error.detail }),
    phases: {
      ...(connectMs === undefined ? {} : { connectMs: tenths(connectMs) }),
      ...(firstByteMs === undefined ? {} : { firstByteMs: tenths(firstByteMs) }),
      totalMs: tenths(totalMs),
    },
    ...(excerpt === undefined ? {} : { excerpt }),
  };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
