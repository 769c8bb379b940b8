import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { NO_PROXIES, challengeOf, clientAddress, rawProblem } from '@heddle/runtime';
import { WebSocketServer } from 'ws';
import { Limits } from '../../limits/limits.js';
import type { Doors } from '../protocol.js';
import { refuseTokenInUrl } from '../url-token.js';
import { Pulse } from './pulse.js';
import type { Begin, SocketRoute } from './socket-route.js';

/** Who decides who comes in and how long it may stay, and where upgrades go that are for another instance. */
export type UpgradeDoors = Pick<Doors, 'guard' | 'sessions'> &
  Partial<Pick<Doors, 'limits' | 'proxies' | 'audit'>> & { hop?: Pick<Doors['hop'], 'pipe'> };

interface AnsweredRoute {
  route: SocketRoute;
  sockets: WebSocketServer;
}

/** What clients get to answer a close in, when the server stops. */
const STOP_GRACE_MS = 1000;
/** What a client gets to read a refusal in. */
const REFUSE_GRACE_MS = 2000;

/** The upgrades of a server: one listener that finds the route by path and subprotocol, for all kinds of sockets. */
export class Upgrades {
  readonly #pulse: Pulse;
  #stopping = false;

  constructor(
    server: Server,
    routes: readonly SocketRoute[],
    private readonly doors: UpgradeDoors,
  ) {
    const { limitMessageFragments, limitPingsPerSecond } = (doors.limits ?? new Limits()).values;
    this.#pulse = new Pulse(limitPingsPerSecond);
    const answered = routes.map((route) => ({ route, sockets: socketServer(route, limitMessageFragments) }));
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
    const from = clientAddress(request, this.doors.proxies ?? NO_PROXIES) ?? '';
    let caller: Caller | undefined;
    let begin: Begin;
    try {
      refuseTokenInUrl(url.searchParams);
      caller = await this.doors.guard.identifyUpgrade(request);
      if (socket.destroyed) return;
      this.#requireRunning();
      checkSubprotocol(request, route.subprotocol);
      if (this.doors.hop?.pipe(caller, request, socket, head) === true) return;
      begin = route.admit(caller, url, route.path.exec(url.pathname)!);
    } catch (error) {
      this.doors.audit?.refused(error, { by: caller, from, target: `websocket ${route.subprotocol}` });
      throw error;
    }
    const session = this.doors.sessions.open(caller, socket, from);
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

function socketServer({ subprotocol, maxMessageBytes }: SocketRoute, maxFragments: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    maxFragments,
    // The pulse answers pings, and bounds them.
    autoPong: false,
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
  const seconds = error instanceof HeddleError ? error.retryAfterSeconds : undefined;
  const challenge = challengeOf(error);
  socket.end(
    rawProblem(error, {
      ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    }),
  );
  // Nobody looks after its time any more: a client that leaves its side open would keep it for good.
  setTimeout(() => socket.destroy(), REFUSE_GRACE_MS).unref();
}
