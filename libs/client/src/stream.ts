// The door for pages: nothing behind it needs Node.
export type { CloudEvent } from './cloud-event.js';
export { EventStream, openStream, type Opened, type StreamEnd, type StreamOptions } from './event-stream.js';
export { Refusal } from './refusal.js';
export type { SocketClass } from './sockets.js';
export { requestTicket } from './tickets.js';
