import { type Socket, connect } from 'node:net';
import { authorizationFor } from './keyring.js';

/** With what a client is slow: its header fields, or its body. */
export type Slowness = 'headers' | 'body';

const HEAD = 'POST /v1/events HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/cloudevents+json\r\n';
/** What follows the header fields that say who it is; a body is only waited for of somebody who is known. */
const OPENING: Record<Slowness, string> = {
  headers: 'x-slow: ',
  body: 'content-length: 100000\r\n\r\n{"data":"',
};
/** How often each of them says one byte more. */
const DRIP_MS = 500;
/** Connections that are opened at once. */
const TOGETHER = 100;

/** Connections that hold on to a server with as little as they can. */
export class SlowClients {
  readonly #sockets = new Set<Socket>();
  readonly #dripping: NodeJS.Timeout;
  /** Milliseconds that each lived, of those that have ended. */
  readonly lived: number[] = [];

  constructor() {
    this.#dripping = setInterval(() => {
      for (const socket of this.#sockets) socket.write('x');
    }, DRIP_MS);
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Opens so many; resolves once all are connected. */
  async hold(port: number, count: number, slowness: Slowness): Promise<void> {
    const { authorization = '' } = await authorizationFor(`http://127.0.0.1:${port}`);
    const opening = `${HEAD}authorization: ${authorization}\r\n${OPENING[slowness]}`;
    for (let begun = 0; begun < count; begun += TOGETHER) {
      await Promise.all(Array.from({ length: Math.min(TOGETHER, count - begun) }, () => this.#hold(port, opening)));
    }
  }

  close(): void {
    clearInterval(this.#dripping);
    for (const socket of this.#sockets) socket.destroy();
  }

  #hold(port: number, opening: string): Promise<void> {
    const begun = performance.now();
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(opening);
        this.#sockets.add(socket);
        resolve();
      });
      // Until it is connected; after that, that it is cut off is what is waited for.
      socket.on('error', reject);
      socket.resume();
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.lived.push(performance.now() - begun);
      });
    });
  }
}
