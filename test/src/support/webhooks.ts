import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type Answer, call } from './http-call.js';

/** Any further field of the definition may stand beside these. */
export interface WebhookWish extends Record<string, unknown> {
  url: string;
  types?: string[];
  queue?: string;
  contentMode?: 'binary' | 'structured';
  start?: 'now' | 'earliest';
}

/** Creates or changes a webhook; a new name when none is given. */
export async function putWebhook(
  gateway: string,
  { contentMode = 'structured', ...wish }: WebhookWish,
  name = `hook-${randomUUID()}`,
): Promise<{ name: string; secret: string }> {
  const answer = await call('PUT', `${gateway}/v1/webhooks/${name}`, { body: { contentMode, ...wish } });
  expect([200, 201], answer.text).toContain(answer.status);
  return { name, secret: (answer.json as { secret?: string }).secret ?? '' };
}

/** What the gateway says of the work of a webhook's receiver. */
export interface WebhookStatistics {
  held: number;
  inFlight: number;
  cap: number;
  delivered: number;
  failedAttempts: number;
  breaker: 'closed' | 'open' | 'half-open';
  pausedUntil?: string;
  lastStatus?: string;
}

export interface WebhookView {
  name: string;
  queue: string;
  state: 'active' | 'paused' | 'disabled' | 'no-consent';
  disabled?: { at: string; reason: string };
  secrets: { kind: 'v1' | 'v1a'; publicKey?: string; expiresAt?: string }[];
  statistics: WebhookStatistics;
}

export async function readWebhook(gateway: string, name: string): Promise<WebhookView> {
  const answer = await call('GET', `${gateway}/v1/webhooks/${name}`);
  expect(answer, answer.text).toMatchObject({ status: 200 });
  return answer.json as WebhookView;
}

export async function webhookStatistics(gateway: string, name: string): Promise<WebhookStatistics> {
  return (await readWebhook(gateway, name)).statistics;
}

export function deleteWebhook(gateway: string, name: string): Promise<Answer> {
  return call('DELETE', `${gateway}/v1/webhooks/${name}`);
}

/** Leaves no webhook behind: one without a receiver would be retried for as long as the log lasts. */
export async function deleteAllWebhooks(gateway: string): Promise<void> {
  const { json } = await call('GET', `${gateway}/v1/webhooks`);
  for (const { name } of (json as { webhooks: { name: string }[] }).webhooks) await deleteWebhook(gateway, name);
}
