import type { Log } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';
import type { Publisher } from '../publish.js';
import type { StreamHub } from '../streams/stream-hub.js';

/** What a protocol may use of the gateway: the two necks, and the server it answers on. */
export interface Doors {
  server: FastifyInstance;
  publisher: Publisher;
  streams: StreamHub;
  log: Log;
}

/** A way in or out. Policy is not its business: it translates. */
export interface Protocol {
  name: string;
  /** Adds its routes, before the server listens. */
  open(doors: Doors): OpenProtocol;
}

export interface OpenProtocol {
  /** Takes nothing new any more and lets go of what is open, so that receivers come back elsewhere. */
  close(): Promise<void> | void;
}
