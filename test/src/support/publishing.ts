import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from './cloud-event.js';
import { type Answer, call } from './http-call.js';

/** A contract event in JSON format, with what a test wants to be different. */
export function contractEvent(key: string, different: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/test/contracts',
    type: CONTRACT_SIGNED,
    data: contractSigned(key),
    ...different,
  };
}

/** Publishes in structured mode. */
export function publish(gateway: string, event: unknown): Promise<Answer> {
  return post(gateway, 'application/cloudevents+json', JSON.stringify(event));
}

export function publishBatch(gateway: string, events: readonly unknown[]): Promise<Answer> {
  return post(gateway, 'application/cloudevents-batch+json', JSON.stringify(events));
}

/** An event in the log. */
export interface Published {
  id: string;
  subject: string;
  topic: string;
  partition: number;
  offset: number;
}

/** Publishes a signed contract for each key given, in that order; the data may say something different. */
export async function publishContracts(
  gateway: string,
  keys: readonly string[],
  data: Record<string, unknown> = {},
): Promise<Published[]> {
  const events = keys.map((subject) => contractEvent(subject, { subject, data: contractSigned(subject, data) }));
  const answer = await publishBatch(gateway, events);
  expect(answer.status, answer.text.slice(0, 300)).toBe(202);
  const { results } = answer.json as { results: Published[] };
  return events.map(({ id }, index) => ({ ...results[index]!, id: id as string, subject: keys[index]! }));
}

/** Publishes in binary mode: attributes as `ce-` headers, the body is the data. */
export function publishBinary(
  gateway: string,
  attributes: Record<string, string>,
  contentType: string,
  body: string | Uint8Array,
): Promise<Answer> {
  const headers = Object.entries({ specversion: '1.0', ...attributes }).map(([name, value]) => [`ce-${name}`, value]);
  return post(gateway, contentType, body, Object.fromEntries(headers) as Record<string, string>);
}

function post(
  gateway: string,
  contentType: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return call('POST', `${gateway}/v1/events`, { headers: { 'content-type': contentType, ...headers }, body });
}
