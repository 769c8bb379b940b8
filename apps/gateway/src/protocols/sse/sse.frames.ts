import type { Form } from '../../represent.js';

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
