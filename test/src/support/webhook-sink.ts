import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that the sink received, as it came over the wire. */
export interface Delivery {
  /** Milliseconds of `performance.now()` when the body was complete. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What the sink answers to a delivery: a status, or whatever is done with the response. */
export type Answer = number | ((delivery: Delivery, response: ServerResponse) => void | Promise<void>);

/** A receiver of webhooks that remembers everything and answers as it is told. */
export class WebhookSink {
  readonly deliveries: Delivery[] = [];
  #answer: Answer = 204;
  #waiting = new Set<() => void>();
  #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const delivery = { at: performance.now(), method, path, headers, body: Buffer.concat(chunks) };
      this.deliveries.push(delivery);
      if (typeof this.#answer === 'number') response.writeHead(this.#answer).end();
      else void this.#answer(delivery, response);
      for (const check of this.#waiting) check();
    });
  });

  /** Listens on a free port of loopback. */
  static async start(): Promise<WebhookSink> {
    const sink = new WebhookSink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** How deliveries from now on are answered; 204 until told otherwise. */
  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  /** Resolves with the deliveries once something holds of them. */
  async until(
    holds: (deliveries: readonly Delivery[]) => boolean,
    { timeoutMs = 20_000, what = 'the deliveries awaited' } = {},
  ): Promise<readonly Delivery[]> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const check = (): void => {
        if (!holds(this.deliveries)) return;
        done();
        resolve(this.deliveries);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`After ${timeoutMs} ms ${what} had not come; there were ${this.deliveries.length}.`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
