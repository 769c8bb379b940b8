import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { HeddleError, problemOf } from '@heddle/event';
import { type WebSocket, WebSocketServer } from 'ws';
import { SocketSink } from '../../streams/socket-sink.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { streamWish } from '../stream-request.js';
import { CLOUDEVENTS_JSON, websocketForm } from './websocket.frames.js';

const PATH = '/v1/stream';
/** A connection that has not answered two pings in a row is gone. */
const PING_MS = 30_000;
/** Clients have nothing to say on a stream; what they may still send is small. */
const MAX_MESSAGE_BYTES = 4096;

/** `GET /v1/stream` with an upgrade: a WebSocket with the subprotocol `cloudevents.json`. */
export const websocket: Protocol = {
  name: 'websocket',
  open(doors: Doors): OpenProtocol {
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      // Deflated bytes could not be shared between receivers, and cost more memory than they save traffic.
      perMessageDeflate: false,
      handleProtocols: () => CLOUDEVENTS_JSON,
    });
    const pulse = new Pulse();
    doors.server.server.on('upgrade', (request, socket, head) => {
      try {
        const url = checkUpgrade(request);
        const wish = streamWish(url.searchParams);
        sockets.handleUpgrade(request, socket, head, (client) => {
          (socket as Socket).setNoDelay(true);
          const sink = new SocketSink(socket as Socket, (reason) =>
            client.close(reason === 'stopping' ? 1001 : 1011, reason === 'stopping' ? 'stopping' : 'come back'),
          );
          const open = doors.streams.open({ ...wish, form: websocketForm, sink });
          pulse.add(client);
          client.on('message', () => client.close(1003, 'streams carry events one way: publish at POST /v1/events'));
          client.on('error', () => client.terminate());
          client.on('close', () => {
            pulse.remove(client);
            open.close();
          });
        });
      } catch (error) {
        refuse(socket, error);
      }
    });
    return { close: () => pulse.stop() };
  },
};

/** Finds connections whose other end is gone: one timer for all of them. */
class Pulse {
  #answered = new Map<WebSocket, boolean>();
  #timer = setInterval(() => this.#beat(), PING_MS);

  add(client: WebSocket): void {
    this.#answered.set(client, true);
    client.on('pong', () => this.#answered.set(client, true));
  }

  remove(client: WebSocket): void {
    this.#answered.delete(client);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    for (const [client, answered] of this.#answered) {
      if (!answered) {
        client.terminate();
        continue;
      }
      this.#answered.set(client, false);
      client.ping();
    }
  }
}

function checkUpgrade(request: IncomingMessage): URL {
  const url = new URL(request.url ?? '/', 'http://gateway');
  if (url.pathname !== PATH) throw new HeddleError('not-found', `No WebSocket is answered at ${url.pathname}.`);
  const { origin } = request.headers;
  // A page from elsewhere must not read a mesh on somebody's own machine through their browser.
  if (origin !== undefined && !isLoopback(origin)) {
    throw new HeddleError('origin-refused', `Pages of ${origin} may not connect.`, { field: 'origin' });
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(CLOUDEVENTS_JSON)) {
    throw new HeddleError('parameter-invalid', `Offer the subprotocol ${CLOUDEVENTS_JSON}.`, {
      field: 'sec-websocket-protocol',
    });
  }
  return url;
}

function isLoopback(origin: string): boolean {
  return URL.canParse(origin) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(origin).hostname);
}

/** Answers an upgrade that is not to be with a problem, as any other request would be. */
function refuse(socket: Duplex, error: unknown): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
