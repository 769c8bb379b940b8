import { HeddleError, queueNameProblem } from '@heddle/event';
import type { WebhookAuth } from './credentials.js';
import type { Consent, HandshakeWish } from './handshake.js';
import type { WebhookSecret } from './secrets.js';

/**
 * A webhook's definition, with its secrets in the clear: in memory only. In `heddle.queues` it stands sealed, under
 * `webhook/<tenant>/<name>`, beside its queue.
 */
export interface WebhookDefinition {
  format: 1;
  tenant: string;
  name: string;
  /** The queue it reads. */
  queue: string;
  /** Whether that queue was made for it, bears its name and goes with it. */
  ownsQueue: boolean;
  /** Rises with every change; the ETag of the webhook. */
  version: number;
  url: string;
  /** How an event is put into a request; `raw` is the message as it was published, with its address in a header. */
  contentMode: 'binary' | 'structured' | 'raw';
  /** Of a raw message that was published without one. */
  defaultContentType?: string;
  /** At least one; each signs until it expires. */
  secrets: WebhookSecret[];
  /** Further headers of every delivery. */
  headers: Record<string, string>;
  auth: WebhookAuth;
  delivery: DeliverySettings;
  handshake: 'exempt' | HandshakeWish;
  /** Whether the receiver agreed to be delivered to (CloudEvents HTTP WebHook §4). */
  consent: Consent;
  paused: boolean;
  /** As what it was made, at a door of SAP Event Mesh. */
  subscription?: Subscription;
  /** Set when the receiver is gone or has failed for too long; resume clears it. */
  disabled?: { at: string; reason: string };
  /** Why its secrets could not be opened; then nothing is delivered, and `•••` stands for each. Never stored. */
  unreadable?: string;
  createdAt: string;
  updatedAt: string;
}

/** What somebody asked for who knows webhooks as the subscriptions of SAP Event Mesh. */
export interface Subscription {
  door: 'messaging' | 'events';
  /** The client that made it: it is that one's to see, to change and to delete. */
  client: string;
  /** The request without its credentials, to be shown again. */
  asked: Readonly<Record<string, unknown>>;
}

/** How one receiver is delivered to. */
export interface DeliverySettings {
  /** Requests a second at most; no limit when left out. */
  ratePerSecond?: number | undefined;
  /** Requests under way at once, at most. */
  maxInFlight: number;
  /** From the start of an attempt to the end of its answer. */
  timeoutMs: number;
  /** Several events in one request: as soon as there are `size`, or the first has waited for `waitMs`. */
  batch?: { size: number; waitMs: number } | undefined;
  /** One attempt: what fails is given up at once. */
  atMostOnce?: boolean | undefined;
}

export const DELIVERY_LIMITS = { maxInFlight: 1024, timeoutMs: 15_000, batchSize: 1000, batchWaitMs: 5000 } as const;

/** What tells it from all others, those of other tenants too. */
export function nameOf({ tenant, name }: Pick<WebhookDefinition, 'tenant' | 'name'>): string {
  return `${tenant}/${name}`;
}

export const WEBHOOK_NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
/** `/v1/webhooks/handshake/…` is where receivers call back. */
const TAKEN_NAMES = new Set(['handshake']);

/** @throws HeddleError `parameter-invalid` */
export function checkWebhookName(name: string): string {
  const problem = TAKEN_NAMES.has(name) ? 'is taken' : WEBHOOK_NAME.test(name) ? undefined : queueNameProblem(name);
  if (problem === undefined) return name;
  throw new HeddleError('parameter-invalid', `A webhook is named like a queue, and not "handshake": it ${problem}.`, {
    field: 'name',
  });
}

/** Why nothing is delivered to a webhook now, or nothing where it may be. Its events are kept in the meantime. */
export function standstillOf({ paused, disabled, consent, unreadable }: WebhookDefinition): Standstill | undefined {
  if (unreadable !== undefined) return 'unreadable';
  if (disabled !== undefined) return 'disabled';
  if (paused) return 'paused';
  return hasConsent({ consent }) ? undefined : 'no-consent';
}

/** Whether its receiver agreed to be delivered to, or is not asked. */
export function hasConsent({ consent }: Pick<WebhookDefinition, 'consent'>): boolean {
  return consent.state === 'exempt' || consent.state === 'granted';
}

export type Standstill = 'unreadable' | 'disabled' | 'paused' | 'no-consent';

/** Requests a second at most: the lower of what the webhook says and what its receiver allowed, if any does. */
export function rateLimitOf({ delivery, consent }: WebhookDefinition): number | undefined {
  const wished = delivery.ratePerSecond;
  const allowed = consent.state === 'granted' ? consent.ratePerMinute : undefined;
  if (allowed === undefined) return wished;
  return Math.min(wished ?? Infinity, allowed / 60);
}
