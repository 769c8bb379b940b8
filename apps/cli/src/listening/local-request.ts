import { createHash, createHmac } from 'node:crypto';
import { reasonOf } from '../reason.js';
import { textOf } from '../output/text.js';

/** A delivery as `receive` hands it out. */
export interface Delivery {
  lease: string;
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle?: string;
  event: Record<string, unknown>;
  state?: { version: string; object?: unknown; gone?: true } | null;
}

/** What the URL answered: a status, or why there was none. */
export interface LocalAnswer {
  status?: number;
  error?: string;
  ms: number;
  /** What `Retry-After` asks for. */
  retryAfterMs?: number;
}

export interface LocalTarget {
  url: string;
  secret: string;
  queue: string;
  mode: 'structured' | 'binary';
  timeoutMs: number;
}

const DAY_MS = 86_400_000;

/** Hands a delivery to a URL, as the gateway's webhooks do: CloudEvents over HTTP, signed as Standard Webhooks says. */
export async function deliverTo(target: LocalTarget, delivery: Delivery): Promise<LocalAnswer> {
  const { url, timeoutMs } = target;
  const { headers, body } = requestOf(target, delivery, Math.floor(Date.now() / 1000));
  const begun = performance.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.arrayBuffer();
    const retryAfterMs = retryAfterOf(response);
    return { status: response.status, ms: since(begun), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  } catch (error) {
    return { error: reasonOf(error), ms: since(begun) };
  }
}

/** @param timestamp in seconds since the epoch */
export function requestOf(
  { secret, queue, mode }: Pick<LocalTarget, 'secret' | 'queue' | 'mode'>,
  { event, attempt, redelivery, cycle, state }: Delivery,
  timestamp: number,
): { headers: Record<string, string>; body: string } {
  const id = messageId(String(event['id']));
  const isBinary = mode === 'binary';
  const body = isBinary ? JSON.stringify(event['data'] ?? null) : JSON.stringify(withState(event, state));
  return {
    body,
    headers: {
      'user-agent': 'heddle-listen/0.1',
      'heddle-webhook': queue,
      ...(isBinary ? binaryHeaders(event) : { 'content-type': 'application/cloudevents+json; charset=utf-8' }),
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature(secret, `${id}.${timestamp}.${body}`),
      'heddle-attempt': String(attempt),
      'heddle-redelivery': redelivery,
      ...(cycle === undefined || cycle === '' ? {} : { 'heddle-cycle': cycle }),
    },
  };
}

/** `v1` of Standard Webhooks 1.0.0: HMAC-SHA256 under the bytes that the secret stands for. */
function signature(secret: string, signed: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

/** The id of the event, unless it has characters that the signed text or a header cannot carry. */
function messageId(id: string): string {
  if (/^[A-Za-z0-9_:~-]{1,128}$/.test(id)) return id;
  return `sha256_${createHash('sha256').update(id).digest('base64url')}`;
}

/** The state of the object as extension attributes, which are texts and flags only. */
function withState(event: Record<string, unknown>, state: Delivery['state']): Record<string, unknown> {
  if (state === undefined || state === null) return event;
  const { version, object, gone } = state;
  return { ...event, stateversion: version, ...(gone ? { stategone: true } : { state: JSON.stringify(object) }) };
}

function binaryHeaders(event: Record<string, unknown>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === 'data' || name === 'data_base64' || typeof value === 'object') continue;
    if (name === 'datacontenttype') headers['content-type'] = textOf(value);
    else headers[`ce-${name}`] = encoded(textOf(value));
  }
  return { 'content-type': 'application/json', ...headers };
}

/** Space, double quote, percent, and everything outside printable ASCII (HTTP binding §3.1.3.2). */
function encoded(value: string): string {
  return value.replace(/[\s"%]|[^\x20-\x7e]+/gu, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function retryAfterOf({ status, headers }: Response): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const text = headers.get('retry-after') ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, DAY_MS) : undefined;
}

function since(begun: number): number {
  return Math.round((performance.now() - begun) * 10) / 10;
}
