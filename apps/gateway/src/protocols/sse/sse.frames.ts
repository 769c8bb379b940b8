import type { Form } from '../../represent.js';
import type { StreamEnd } from '../../streams/fan-out.js';

/**
 * One server-sent event: the structured JSON event as `data`, the resume token as `id`, so that a client that
 * reconnects names it in `Last-Event-ID` by itself. JSON has no line breaks, so one data line is enough.
 */
export const sseForm: Form = {
  name: 'sse',
  encode: (event) => Buffer.from(`id: ${event.token}\ndata: ${event.openJson}}\n\n`),
};

/** A comment, which clients ignore: it keeps the connection from looking idle. */
export const HEARTBEAT = Buffer.from(':\n\n');

/** How long a client waits before it reconnects, in milliseconds, as the first thing it is told. */
export const RETRY = Buffer.from('retry: 2000\n\n');

/** What a client that has to come back with another token is told; clients by themselves pass over comments. */
const GOODBYES: Partial<Record<StreamEnd, string>> = {
  expired: 'the access token has ended: come back with a new one',
  revoked: 'the rights of this client were changed: come back with a new access token',
};

/** The last words of a stream: why it ends, as a comment; nothing where it is enough to come back. */
export function goodbye(reason: StreamEnd): Buffer {
  const words = GOODBYES[reason];
  return Buffer.from(words === undefined ? '' : `: ${reason}, ${words}\n\n`);
}
