import type { IncomingHttpHeaders } from 'node:http';
import { HeddleError } from '@heddle/event';
import { badHeader } from '../../event-mesh/sap-answer.js';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import type { Message } from '../../messages/message.js';
import type { Grant } from '../../queues/lease-book.js';
import { decodeHeaderValue, encodeHeaderValue } from '../http/header-value.js';

/** Milliseconds that a message may ask to be kept: 30 days, which is also how long one is that does not ask. */
export const EXPIRATION_LIMITS = { minMs: 1, maxMs: 2_592_000_000 } as const;

/**
 * The quality of service of a call, which it has to name.
 *
 * @throws HeddleError `parameter-invalid`
 */
export function qosOf(headers: IncomingHttpHeaders): 0 | 1 {
  const qos = headers['x-qos'];
  if (qos === '0') return 0;
  if (qos === '1') return 1;
  throw badHeader('x-qos', qos === undefined ? 'is missing: it is 0 or 1' : 'is 0 or 1');
}

/**
 * A request to publish, as the message that it brings.
 *
 * @throws HeddleError `parameter-invalid`, `body-invalid`
 */
export function messageIn(
  address: string,
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  now: number,
): IncomingMessage {
  qosOf(headers);
  const contentType = headers['content-type'];
  if (contentType === undefined || contentType.trim() === '') throw badHeader('content-type', 'is missing');
  if (body === undefined || body.length === 0) {
    throw new HeddleError('body-invalid', 'The body is empty: a message has one.', { field: 'body' });
  }
  const expiresAt = expiryOf(headers, now);
  const attributes = attributesOf(headers);
  return {
    address,
    contentType,
    body,
    ...(attributes === undefined ? {} : { attributes }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function expiryOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  const text = headers['x-message-expiration'];
  if (text === undefined) return undefined;
  const { minMs, maxMs } = EXPIRATION_LIMITS;
  const ms = typeof text === 'string' && /^\d{1,12}$/.test(text) ? Number(text) : NaN;
  if (ms >= minMs && ms <= maxMs) return now + ms;
  throw badHeader('x-message-expiration', `is a number of milliseconds from ${minMs} to ${maxMs}`);
}

/** CloudEvents in binary mode: what SAP's own door passes on unread is the envelope here. */
function attributesOf(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  if (headers['ce-specversion'] === undefined) return undefined;
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith('ce-') || name === 'ce-specversion' || typeof value !== 'string') continue;
    attributes[name.slice(3)] = decodeHeaderValue(value);
  }
  return attributes;
}

/**
 * The headers of a consumed message, names and values in turn: those of SAP Event Mesh, and which attempt this is.
 *
 * @param id what it is acknowledged by
 */
export function messageHeaders(message: Message, { lease }: Pick<Grant, 'lease'>, id: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': message.contentType === '' ? 'application/octet-stream' : message.contentType,
    'x-message-id': id,
    'x-address': encodeHeaderValue(message.address),
    'heddle-attempt': String(lease.attempt),
    'heddle-redelivery': lease.redelivery,
  };
  return headers;
}
