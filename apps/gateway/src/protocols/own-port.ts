import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { HeddleError } from '@heddle/event';
import type { Certificate, Log } from '@heddle/runtime';
import { Limits } from '../limits/limits.js';
import type { Doors } from './protocol.js';

/** A port that a protocol has for itself. */
export interface OwnPortWish {
  /** The protocol, as people call it. */
  name: string;
  /** The setting that asks for the port. */
  setting: string;
  port: number;
  host: string;
  /** Clients come over TLS, and are shown this; over plain TCP without one. */
  certificate?: Certificate | undefined;
  maxConnections: number;
  accept(socket: Socket): void;
  log: Log;
}

/** What a client gets for its handshake of TLS. */
const HANDSHAKE_MS = 10_000;
/** What clients get to answer a close in. */
const STOP_GRACE_MS = 1000;

/** The port that a protocol wants beside the doors of the gateway, with the host and the limits of those; none without a number. */
export function ownPortOf(
  { host = '127.0.0.1', limits = new Limits(), log }: Pick<Doors, 'log'> & Partial<Pick<Doors, 'host' | 'limits'>>,
  { port, ...wish }: Pick<OwnPortWish, 'name' | 'setting' | 'certificate' | 'accept'> & { port: number | undefined },
): OwnPort | undefined {
  if (port === undefined) return undefined;
  return new OwnPort({ ...wish, port, host, log, maxConnections: limits.values.limitConnections });
}

/** A port of a protocol that is not HTTP, over TCP or TLS. */
export class OwnPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly wish: OwnPortWish) {
    const { certificate, maxConnections, accept } = wish;
    this.#server =
      certificate === undefined
        ? createServer(accept)
        : createTlsServer({ ...certificate, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' }, accept);
    this.#server.maxConnections = maxConnections;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      // A handshake that fails is its client's affair.
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** The one that is listened on, where any free one was asked for. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when clients may come. @throws HeddleError `setting-invalid` */
  async listen(): Promise<void> {
    const { name, setting, port, host, log } = this.wish;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = `${name} cannot listen on ${host}:${port}: ${cause.code ?? cause.message}. Set ${setting} to another one.`;
        reject(new HeddleError('setting-invalid', why, { cause }));
      });
      this.#server.listen(port, host, () => resolve());
    });
    this.#server.removeAllListeners('error');
    const protocol = name.toLowerCase();
    this.#server.on('error', (err) =>
      log.warn({ event: `${protocol}-socket-failed`, err }, 'a connection was not taken'),
    );
    log.info({ event: `${protocol}-listening`, host, port: this.port }, `${name} on ${host}:${this.port}`);
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
