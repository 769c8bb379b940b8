import type { Socket } from 'node:net';
import { Limits } from '../../limits/limits.js';
import { requireRate } from '../../limits/rate-answer.js';
import { Namespaces } from '../../messages/namespaces.js';
import { type OwnPort, ownPortOf } from '../own-port.js';
import type { Doors } from '../protocol.js';
import { ByteSocket } from '../websocket/byte-socket.js';
import type { SocketRoute } from '../websocket/socket-route.js';
import { SocketWire } from '../wire.js';
import { AmqpConnection } from './amqp-connection.js';
import { MessageForms } from './amqp.frames.js';
import { AMQP_VALUES } from './amqp.settings.js';
import type { ConnectionHome } from './connection-home.js';
import { QueueSources } from './queue-source.js';

/** What of the gateway AMQP needs. */
export type AmqpDoors = Pick<Doors, 'publisher' | 'streams' | 'queues' | 'hop' | 'guard' | 'sessions' | 'log'> &
  Partial<Pick<Doors, 'audit' | 'limits' | 'namespaces' | 'amqp' | 'host' | 'certificate'>>;

/** The subprotocol of AMQP 1.0 over WebSockets. */
const SUBPROTOCOL = 'amqp';
const PATH = /^\/protocols\/amqp10ws\/?$/;
/** How often the clock is looked at for all connections together. */
const TICK_MS = 250;

/** All AMQP connections of this instance, by whatever way they came. */
export class AmqpDoor {
  readonly home: ConnectionHome;
  readonly #connections = new Set<AmqpConnection>();
  readonly #timer: NodeJS.Timeout;
  readonly #limits: Limits;
  #isClosed = false;

  constructor(private readonly doors: AmqpDoors) {
    const { publisher, streams, queues, hop, guard, log, limits = new Limits(), namespaces = new Namespaces() } = doors;
    this.#limits = limits;
    const forms = new MessageForms(namespaces);
    this.home = {
      containerId: 'heddle',
      settings: doors.amqp ?? AMQP_VALUES,
      limits: limits.values,
      guard,
      publisher,
      streams,
      sources: new QueueSources(queues, hop, forms),
      forms,
      namespaces,
      log,
      admitGuess: (address) => requireRate(limits.rates.takeToken(address)),
      charge: (tenant, client, messages) => requireRate(limits.rates.take(tenant, client, messages)),
      refused: (error, from) => doors.audit?.refused(error, { by: undefined, from, target: 'amqp' }),
      failed: (error) => log.warn({ event: 'amqp-failed', err: error }, 'something failed under an AMQP connection'),
      ended: (connection) => void this.#connections.delete(connection as AmqpConnection),
    };
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size;
  }

  /** Who comes by WebSocket is known before the first byte of AMQP. */
  get route(): SocketRoute {
    return {
      path: PATH,
      subprotocol: SUBPROTOCOL,
      maxMessageBytes: this.#limits.values.limitMessageBytes,
      admit: (caller) => (client, socket, session) => {
        const admitted = { caller, session };
        const wire = new ByteSocket(client, socket, session.address);
        this.#connections.add(new AmqpConnection(wire, this.home, () => session, admitted));
      },
    };
  }

  /** Plain AMQP on a port of its own, over TLS where this process has a certificate; none where the settings name no port. */
  ownPort(): OwnPort | undefined {
    const { amqp, certificate } = this.doors;
    return ownPortOf(this.doors, {
      ...{ name: 'AMQP', setting: 'HEDDLE_AMQP_PORT', port: amqp?.amqpPort, certificate },
      accept: (socket) => this.accept(socket),
    });
  }

  /** Takes somebody who is yet to say who it is. */
  accept(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    const wire = new SocketWire(socket);
    this.#connections.add(new AmqpConnection(wire, this.home, (caller) => this.doors.sessions.open(caller, socket)));
  }

  /** Sends every client elsewhere. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const connection of this.#connections) {
      connection.close({ condition: 'amqp:connection:forced', description: 'This instance stops.' });
    }
  }

  #tick(): void {
    const now = Date.now();
    for (const connection of this.#connections) connection.tick(now);
  }
}
