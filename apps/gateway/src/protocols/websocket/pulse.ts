import type { WebSocket } from 'ws';
import { CLOSE_CODES } from './close-codes.js';

/** A connection that has not answered two pings in a row is gone. */
const PING_MS = 30_000;

/** Seconds of pings that may come at once. */
const PING_BURST_SECONDS = 10;
/** What a client gets to answer a close in that it is closed with for its pings. */
const CLOSE_GRACE_MS = 1000;

/**
 * Finds connections whose other end is gone: one timer for all of them, so that an idle one costs nothing else. Answers
 * the pings of clients, as many as they may send.
 */
export class Pulse {
  #answered = new Map<WebSocket, boolean>();
  #timer = setInterval(() => this.#beat(), PING_MS);

  constructor(private readonly pingsPerSecond: number) {}

  add(client: WebSocket): void {
    this.#answered.set(client, true);
    client.on('pong', () => this.#answered.set(client, true));
    client.once('close', () => this.#answered.delete(client));
    this.#answerPings(client);
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

  /** Each would be answered with as many bytes, read or not. */
  #answerPings(client: WebSocket): void {
    const burst = this.pingsPerSecond * PING_BURST_SECONDS;
    let left = burst;
    let at = performance.now();
    client.on('ping', (data: Buffer) => {
      if (client.readyState !== client.OPEN) return;
      const now = performance.now();
      left = Math.min(burst, left + ((now - at) / 1000) * this.pingsPerSecond) - 1;
      at = now;
      if (left >= 0) {
        client.pong(data);
        return;
      }
      client.close(CLOSE_CODES.pings, 'pings');
      setTimeout(() => client.terminate(), CLOSE_GRACE_MS).unref();
    });
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
