import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Caller } from '@heddle/auth';
import type { Certificate, Log, Tls, TrustedProxies } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';
import type { DoorGuard } from '../identity/door-guard.js';
import type { Audit } from '../ledger/audit.js';
import type { Limits } from '../limits/limits.js';
import type { Namespaces } from '../messages/namespaces.js';
import type { Publisher } from '../publish.js';
import type { StreamHub } from '../streams/stream-hub.js';
import type { AmqpSettings } from './amqp/amqp.settings.js';
import type { MqttParts } from './mqtt/mqtt-parts.js';
import type { MqttValues } from './mqtt/mqtt.settings.js';
import type { OpenQueues } from './open-queue.js';
import type { Sessions } from './sessions.js';
import type { SocketRoute } from './websocket/socket-route.js';

/** Where connections for queues of other instances go. */
export interface Upstream {
  /**
   * Joins an upgrade with the instance that works on its queue, on behalf of its caller; false when it is to be answered
   * here.
   */
  pipe(caller: Caller, request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * Asks that instance to lease deliveries, to settle leases or to take them back untouched (`lentShape`), for connections
   * that cannot be handed on as a whole. What the caller may do was found out here. With an aborted signal nothing more is
   * waited for, and what was leased by then is the answer.
   *
   * @throws HeddleError its refusal; `queue-elsewhere` when nobody works on the queue now, or this instance does
   */
  askQueue(
    caller: Pick<Caller, 'tenant'>,
    queue: string,
    what: 'receive' | 'settle' | 'hand-back',
    body: object,
    signal?: AbortSignal,
  ): Promise<unknown>;
  /** The URL of the instance that works on a queue of this name; nothing when that is this one, or nobody now. */
  elsewhere(tenant: string, queue: string): string | undefined;
  /** What another instance knows a caller by. */
  tokenFor(caller: Caller): string | Promise<string>;
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
  /** Routes of WebSockets: a protocol adds its own when it is opened, before `websocket` is, which answers them. */
  sockets?: SocketRoute[];
  /** Hears why somebody was not let into a connection that is no request. */
  audit?: Pick<Audit, 'refused'>;
  /** Whose word on where an upgrade comes from is taken; nobody's when left out. */
  proxies?: TrustedProxies;
  /** Of protocols with settings or ports of their own; the defaults when left out. */
  amqp?: AmqpSettings;
  values?: MqttValues;
  host?: string;
  tls?: Tls | undefined;
  certificate?: Certificate | undefined;
  /** What MQTT needs beside the rest. */
  mqtt?: MqttParts;
  log: Log;
}

/** A way in or out. Policy is not its business: it translates. */
export interface Protocol {
  name: string;
  /** Adds its routes, before the server listens. */
  open(doors: Doors): OpenProtocol;
}

export interface OpenProtocol {
  /** Opens ports of its own, once everything else listens. @throws HeddleError `setting-invalid` */
  listen?(): Promise<void>;
  /** Takes nothing new any more and lets go of what is open, so that receivers come back elsewhere. */
  close(): Promise<void> | void;
}
