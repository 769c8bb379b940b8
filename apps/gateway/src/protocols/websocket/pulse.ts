import type { WebSocket } from 'ws';

/** A connection that has not answered two pings in a row is gone. */
const PING_MS = 30_000;

/** Finds connections whose other end is gone: one timer for all of them, so that an idle one costs nothing else. */
export class Pulse {
  #answered = new Map<WebSocket, boolean>();
  #timer = setInterval(() => this.#beat(), PING_MS);

  add(client: WebSocket): void {
    this.#answered.set(client, true);
    client.on('pong', () => this.#answered.set(client, true));
    client.once('close', () => this.#answered.delete(client));
  }

  /** Resolves when all connections are closed; those that are not after the grace (milliseconds) are cut off. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    const closed = [...this.#answered.keys()].map((client) => new Promise((resolve) => client.once('close', resolve)));
    const cutOff = setTimeout(() => {
      for (const client of this.#answered.keys()) client.terminate();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cutOff);
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
