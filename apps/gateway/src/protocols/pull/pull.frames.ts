import { type JsonLimits, parseJson, readShape } from '@heddle/runtime';
import type { Grant, SettleResult } from '../../queues/lease-book.js';
import { deliveryText, lentDeliveryText, resultsText } from '../lease-text.js';
import { SETTLE_LIMITS } from '../lease.shape.js';
import { type LentRequest, lentShape } from './lent.shape.js';
import { type ReceiveRequest, type SettleRequest, receiveShape, settleShape } from './pull.shape.js';

/** Reads the body of a receive; none at all asks for one delivery. */
export function readReceive(body: Buffer | undefined, limits: JsonLimits): ReceiveRequest {
  return readShape(receiveShape, body === undefined || body.length === 0 ? {} : parseJson(body, limits));
}

/** Reads the body of a settle. */
export function readSettle(body: Buffer | undefined, limits: JsonLimits): SettleRequest {
  const value = parseJson(body ?? Buffer.alloc(0), limits);
  return acceptsOnly(value) ? value : readShape(settleShape, value);
}

/** Reads what another instance asks of a queue. */
export function readLent(body: Buffer | undefined, limits: JsonLimits): LentRequest {
  const value = parseJson(body ?? Buffer.alloc(0), limits) as { what?: unknown } | null;
  if (value?.what !== 'settle') return readShape(lentShape, value);
  const { what: _settle, ...rest } = value;
  return acceptsOnly(rest) ? { what: 'settle', ...rest } : readShape(lentShape, value);
}

/** Whether a body fits the shape, with nothing but leases that are accepted: hundreds of them, as a rule. */
function acceptsOnly(value: unknown): value is SettleRequest {
  if (typeof value !== 'object' || value === null) return false;
  for (const name in value) if (name !== 'settlements') return false;
  const { settlements } = value as { settlements?: unknown };
  if (!Array.isArray(settlements) || settlements.length === 0) return false;
  if (settlements.length > SETTLE_LIMITS.settlements) return false;
  return settlements.every(isAccept);
}

function isAccept(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const name in value) if (name !== 'lease' && name !== 'action') return false;
  const { lease, action } = value as { lease?: unknown; action?: unknown };
  if (action !== 'accept' || typeof lease !== 'string') return false;
  return lease.length > 0 && lease.length <= SETTLE_LIMITS.leaseLength;
}

/**
 * The answer to a receive, as bytes: hundreds of deliveries as one text would be gone through three times more, to join
 * it, to count its bytes and to encode it.
 */
export function receivedBody(grants: readonly Grant[]): Buffer {
  return bodyOf(grants, deliveryText);
}

/** The answer to another instance. */
export function lentBody(grants: readonly Grant[]): Buffer {
  return bodyOf(grants, lentDeliveryText);
}

function bodyOf(grants: readonly Grant[], textOf: (grant: Grant) => string): Buffer {
  let at = scratch.write('{"deliveries":[');
  for (const [index, grant] of grants.entries()) at = append(index === 0 ? textOf(grant) : `,${textOf(grant)}`, at);
  at = append(']}', at);
  const body = Buffer.from(scratch.subarray(0, at));
  if (scratch.length > MAX_SCRATCH_BYTES) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  return body;
}

const SCRATCH_BYTES = 256 * 1024;
/** What one large answer took is not kept for ever. */
const MAX_SCRATCH_BYTES = 4 * 1024 * 1024;
const UTF8_BYTES_PER_UNIT = 3;
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Writes a text behind others; returns where it ends. */
function append(text: string, at: number): number {
  const needed = at + text.length * UTF8_BYTES_PER_UNIT;
  if (needed > scratch.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, scratch.length * 2));
    scratch.copy(larger, 0, 0, at);
    scratch = larger;
  }
  return at + scratch.write(text, at);
}

/** The answer to a settle: a result for each settlement, in their order. */
export function settledText(
  { settlements }: Pick<SettleRequest, 'settlements'>,
  results: readonly SettleResult[],
): string {
  return `{"results":${resultsText(settlements, results)}}`;
}
