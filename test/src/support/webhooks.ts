import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type Answer, call } from './http-call.js';

export interface WebhookWish {
  url: string;
  types: string[];
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

/** What the gateway says of the delivery to a webhook. */
export async function deliveryOf(gateway: string, name: string): Promise<Record<string, number | string>> {
  const answer = await call('GET', `${gateway}/v1/webhooks/${name}`);
  expect(answer, answer.text).toMatchObject({ status: 200 });
  return (answer.json as { delivery: Record<string, number | string> }).delivery;
}

export function deleteWebhook(gateway: string, name: string): Promise<Answer> {
  return call('DELETE', `${gateway}/v1/webhooks/${name}`);
}

/** Leaves no webhook behind: one without a receiver would be retried for as long as the log lasts. */
export async function deleteAllWebhooks(gateway: string): Promise<void> {
  const { json } = await call('GET', `${gateway}/v1/webhooks`);
  for (const { name } of (json as { webhooks: { name: string }[] }).webhooks) await deleteWebhook(gateway, name);
}
