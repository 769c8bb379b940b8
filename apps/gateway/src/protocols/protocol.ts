import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Caller } from '@heddle/auth';
import type { Log } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';
import type { DoorGuard } from '../identity/door-guard.js';
import type { Limits } from '../limits/limits.js';
import type { Namespaces } from '../messages/namespaces.js';
import type { Publisher } from '../publish.js';
import type { LeaseBook } from '../queues/lease-book.js';
import type { StreamHub } from '../streams/stream-hub.js';
import type { Sessions } from './sessions.js';

/** A queue at work at this instance, as the doors of its remote receivers see it. */
export interface OpenQueue {
  readonly name: string;
  /** Of the present owner. */
  readonly epoch: number;
  readonly book: LeaseBook;
  /** Milliseconds a lease lasts when nothing else is asked for. */
  leaseMs(): number;
  /** Resolves when everything settled so far is durable. */
  settled(): Promise<void>;
  /**
   * Calls back once, when this queue is no longer at work here: it was deleted, or another instance owns it. Returns
   * how to end that.
   */
  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void;
}

/** The queues that receivers of this instance may take deliveries from. */
export interface OpenQueues {
  /** @throws HeddleError `not-found`, also for a queue of another tenant */
  open(tenant: string, name: string): OpenQueue;
}

/** Where connections for queues of other instances go. */
export interface Upstream {
  /**
   * Joins an upgrade with the instance that works on its queue, on behalf of its caller; false when it is to be answered
   * here.
   */
  pipe(caller: Caller, request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

/** What a protocol may use of the gateway: the two necks, the queues, who comes in, and the server it answers on. */
export interface Doors {
  server: FastifyInstance;
  publisher: Publisher;
  streams: StreamHub;
  queues: OpenQueues;
  hop: Upstream;
  /** Under which topics the events of types go out as messages. */
  namespaces: Namespaces;
  /** Those of the defaults when left out. */
  limits?: Limits;
  guard: DoorGuard;
  /** Of connections that last. */
  sessions: Sessions;
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
