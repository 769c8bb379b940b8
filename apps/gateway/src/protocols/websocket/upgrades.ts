import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '@heddle/auth';
import { HeddleError, problemOf } from '@heddle/event';
import { challengeOf } from '@heddle/runtime';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Doors } from '../protocol.js';
import type { Session } from '../sessions.js';
import { refuseTokenInUrl } from '../url-token.js';
import { Pulse } from './pulse.js';

/** What is answered to an upgrade at one path. */
export interface SocketRoute {
  path: RegExp;
  subprotocol: string;
  /** Bytes of one message of a client; a longer one ends the connection with 1009. */
  maxMessageBytes: number;
  /**
   * Decides before the handshake whether the caller may come in, so that a refusal is an ordinary problem; what it
   * returns takes the open connection.
   *
   * @param path the match of `path`
   * @throws HeddleError what the upgrade is refused with
   */
  admit(caller: Caller, url: URL, path: RegExpExecArray): Begin;
}

type Begin = (client: WebSocket, socket: Socket, session: Session) => void;

/** Who decides who comes in and how long it may stay, and where upgrades go that are for another instance. */
export type UpgradeDoors = Pick<Doors, 'guard' | 'sessions'> & Partial<Pick<Doors, 'hop'>>;

interface AnsweredRoute {
  route: SocketRoute;
  sockets: WebSocketServer;
}

/** What clients get to answer a close in, when the server stops. */
const STOP_GRACE_MS = 1000;
/** What one that was refused gets to read why. */
const REFUSED_MS = 1000;

/** The upgrades of a server: one listener that finds the route by path and subprotocol, for all kinds of sockets. */
export class Upgrades {
  readonly #pulse = new Pulse();
  #stopping = false;

  constructor(
    server: Server,
    routes: readonly SocketRoute[],
    private readonly doors: UpgradeDoors,
  ) {
    const answered = routes.map((route) => ({ route, sockets: socketServer(route) }));
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // Until it is a WebSocket, nobody else listens.
      socket.on('error', () => undefined);
      this.#answer(answered, request, socket, head).catch((error: unknown) => refuse(socket, error));
    });
  }

  /** Takes no new ones. Resolves when the open ones, which their owners have closed, are gone or were cut off. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#pulse.stop(STOP_GRACE_MS);
  }

  async #answer(
    answered: readonly AnsweredRoute[],
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<void> {
    this.#requireRunning();
    const url = new URL(request.url ?? '/', 'http://gateway');
    const found = answered.find(({ route }) => route.path.test(url.pathname));
    if (found === undefined) throw new HeddleError('not-found', `No WebSocket is answered at ${url.pathname}.`);
    const { route, sockets } = found;
    refuseTokenInUrl(url.searchParams);
    const caller = await this.doors.guard.identifyUpgrade(request);
    if (socket.destroyed) return;
    this.#requireRunning();
    checkSubprotocol(request, route.subprotocol);
    if (this.doors.hop?.pipe(caller, request, socket, head) === true) return;
    const begin = route.admit(caller, url, route.path.exec(url.pathname)!);
    const session = this.doors.sessions.open(caller, socket);
    sockets.handleUpgrade(request, socket, head, (client) => {
      socket.setNoDelay(true);
      // After an error ws closes the connection by itself, with the code that says why.
      client.on('error', () => undefined);
      this.#pulse.add(client);
      begin(client, socket, session);
    });
  }

  #requireRunning(): void {
    if (this.#stopping) throw new HeddleError('stopping', 'This instance takes no new connections.');
  }
}

function socketServer({ subprotocol, maxMessageBytes }: SocketRoute): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    // Deflated bytes could not be shared between receivers, and cost more memory than they save traffic.
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
  });
}

function checkSubprotocol({ headers }: IncomingMessage, subprotocol: string): void {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (offered.includes(subprotocol)) return;
  throw new HeddleError('parameter-invalid', `Offer the subprotocol ${subprotocol}.`, {
    field: 'sec-websocket-protocol',
  });
}

/** Answers an upgrade that is not to be with a problem, as any other request would be. */
function refuse(socket: Socket, error: unknown): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const challenge = challengeOf(error);
  // Who does not close is cut off: nothing else watches over this socket.
  socket.setTimeout(REFUSED_MS, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: application/problem+json\r\n` +
      (challenge === undefined ? '' : `www-authenticate: ${challenge}\r\n`) +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
