import { type FieldRule, HeddleError, fieldsInvalid, problemOf } from '@heddle/event';
import { type JsonLimits, brokenRules, checkJson } from '@heddle/runtime';
import type { z } from 'zod';
import type { SettleResult } from '../../queues/lease-book.js';
import { moment, resultsText } from '../lease-text.js';
import { CLIENT_FRAMES, type SERVER_FRAMES } from './queue-frame.shape.js';

/** The subprotocol of queues: JSON text frames, each with a `kind`. */
export const HEDDLE_V1 = 'heddle.v1';

export type HelloFrame = z.infer<typeof CLIENT_FRAMES.hello>;
export type CreditFrame = z.infer<typeof CLIENT_FRAMES.credit>;
export type SettleFrame = z.infer<typeof CLIENT_FRAMES.settle>;
export type AuthenticateFrame = z.infer<typeof CLIENT_FRAMES.authenticate>;
export type ReadyFrame = z.infer<typeof SERVER_FRAMES.ready>;
export type ClosingReason = z.infer<typeof SERVER_FRAMES.closing>['reason'];

/** What a client said, or what is wrong with it; `id` is that of the frame in both cases, where it has one. */
export type ReadFrame =
  | { frame: HelloFrame | CreditFrame | SettleFrame | AuthenticateFrame }
  | { id: string | undefined; error: HeddleError };

/** Reads a frame of a client. */
export function readFrame(bytes: Buffer, limits: JsonLimits): ReadFrame {
  let json: unknown;
  try {
    checkJson(bytes, limits);
    json = JSON.parse(bytes.toString());
  } catch (error) {
    if (error instanceof HeddleError) {
      return { id: undefined, error: error.code === 'too-complex' ? error : frameInvalid(error.fields ?? []) };
    }
    return { id: undefined, error: frameInvalid([{ field: '', rule: `is not JSON: ${(error as Error).message}` }]) };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { id: undefined, error: frameInvalid([{ field: '', rule: 'must be a JSON object with a kind' }]) };
  }
  const { kind, id } = json as { kind?: unknown; id?: unknown };
  const own = typeof id === 'string' && id.length <= 64 ? id : undefined;
  if (!isClientKind(kind)) {
    return { id: own, error: frameInvalid([{ field: 'kind', rule: `must be one of ${CLIENT_KINDS.join(', ')}` }]) };
  }
  const shape = CLIENT_FRAMES[kind];
  const read = shape.safeParse(json);
  if (read.success) return { frame: read.data };
  const broken = brokenRules(shape, read.error.issues).slice(0, MAX_RULES);
  return { id: own, error: frameInvalid(broken.map(({ field, rule }) => ({ field, rule }))) };
}

/** `deliveries`, from pieces that {@link deliveryText} made. */
export function deliveriesFrame(deliveries: string): string {
  return `{"kind":"deliveries","deliveries":[${deliveries}]}`;
}

/** `ready` */
export function readyFrame(frame: Omit<ReadyFrame, 'kind'>): string {
  return JSON.stringify({ kind: 'ready', ...frame });
}

/** `settled`: one result for each settlement, in their order. */
export function settledFrame({ id, settlements }: SettleFrame, results: readonly SettleResult[]): string {
  const named = id === undefined ? '' : `"id":${JSON.stringify(id)},`;
  return `{"kind":"settled",${named}"results":${resultsText(settlements, results)}}`;
}

/** `authenticated` */
export function authenticatedFrame(id: string | undefined, expiresAt: number): string {
  return JSON.stringify({ kind: 'authenticated', ...(id === undefined ? {} : { id }), expiresAt: moment(expiresAt) });
}

/** `problem` */
export function problemFrame(id: string | undefined, error: unknown): string {
  return JSON.stringify({ kind: 'problem', ...(id === undefined ? {} : { id }), ...problemOf(error) });
}

/** `closing` */
export function closingFrame(reason: ClosingReason): string {
  return JSON.stringify({ kind: 'closing', reason });
}

/** A `frame-invalid` that names fields and rules. */
export function frameInvalid(fields: readonly FieldRule[]): HeddleError {
  return fieldsInvalid(fields, { code: 'frame-invalid', whole: 'The frame' });
}

const CLIENT_KINDS = Object.keys(CLIENT_FRAMES);
const MAX_RULES = 10;

function isClientKind(kind: unknown): kind is keyof typeof CLIENT_FRAMES {
  return typeof kind === 'string' && Object.hasOwn(CLIENT_FRAMES, kind);
}
