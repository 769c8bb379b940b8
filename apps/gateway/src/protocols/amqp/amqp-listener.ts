import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { HeddleError } from '@heddle/event';
import { Limits } from '../../limits/limits.js';
import type { AmqpDoor, AmqpDoors } from './amqp-door.js';

/** What a client gets for its handshake of TLS. */
const HANDSHAKE_MS = 10_000;
/** What clients get to answer a close in. */
const STOP_GRACE_MS = 1000;

/** Plain AMQP 1.0 on a port of its own: over TLS where this process has a certificate. */
export class AmqpListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    door: AmqpDoor,
    { certificate, limits = new Limits() }: AmqpDoors,
    private readonly host: string,
    private readonly asked: number,
  ) {
    const accept = (socket: Socket): void => door.accept(socket);
    this.#server =
      certificate === undefined
        ? createServer(accept)
        : createTlsServer({ ...certificate, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' }, accept);
    this.#server.maxConnections = limits.values.limitConnections;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      // A handshake that fails is its client's affair.
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** The listener that the settings ask for; none without a port. */
  static of(door: AmqpDoor, doors: AmqpDoors): AmqpListener | undefined {
    const port = doors.amqp?.amqpPort;
    return port === undefined ? undefined : new AmqpListener(door, doors, doors.host ?? '127.0.0.1', port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when clients may come. @throws HeddleError `setting-invalid` */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = `AMQP cannot listen on port ${this.asked}: ${cause.code ?? cause.message}. Set HEDDLE_AMQP_PORT to another one.`;
        reject(new HeddleError('setting-invalid', why, { cause }));
      });
      this.#server.listen(this.asked, this.host, () => resolve());
    });
  }

  /** Takes nobody new; resolves when everybody is gone, or was cut off. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const cutOff = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, STOP_GRACE_MS);
    await closed;
    clearTimeout(cutOff);
  }
}
