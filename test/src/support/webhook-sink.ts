import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Arrivals } from './arrivals.js';
import type { CloudEvent } from './cloud-event.js';

/** One request that the sink received, as it came over the wire. */
export interface Delivery {
  /** Milliseconds of `performance.now()` when the body was complete. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What the sink answers to a delivery: a status, or whatever is done with the response; nothing done means it hangs. */
export type Answer = number | ((delivery: Delivery, response: ServerResponse) => void | Promise<void>);

/** A receiver of webhooks that remembers everything and answers as it is told. */
export class WebhookSink {
  #arrivals = new Arrivals<Delivery>();
  #answer: Answer = 204;
  #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const delivery = { at: performance.now(), method, path, headers, body: Buffer.concat(chunks) };
      if (typeof this.#answer === 'number') response.writeHead(this.#answer).end();
      else void this.#answer(delivery, response);
      this.#arrivals.add(delivery);
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

  get deliveries(): readonly Delivery[] {
    return this.#arrivals.all;
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
    return this.#arrivals.until(holds, { timeoutMs, what });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** The event of a delivery in structured mode. */
export function eventOf({ body }: Delivery): CloudEvent {
  return JSON.parse(body.toString('utf8')) as CloudEvent;
}
