import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { type CallHandler, type ExecutionContext, Logger, type NestInterceptor } from '@nestjs/common';
import { type Observable, lastValueFrom, of } from 'rxjs';
import { bodyOf } from './http-receiver.js';
import { callWith } from './nest-received.js';
import type { ReceiverAnswer } from './webhook-answer.js';
import { WebhookReceiver, type WebhookReceiverOptions, bodyParsed, tooLarge } from './webhook-receiver.js';

export type WebhookInterceptorOptions = Omit<WebhookReceiverOptions, 'handle'>;

/** A request of Express, which is one of Node, or of Fastify, which has one. */
interface PlatformRequest {
  method: string;
  headers: Record<string, string | string[] | undefined>;
  raw?: IncomingMessage;
  rawBody?: unknown;
  body?: unknown;
}

/** What answers of both platforms have. */
interface PlatformReply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * Makes a route a receiver of webhooks: the signature is checked over the bytes as they came, what was handled before is
 * not handled again, and the route's handler is called with each event ({@link ReceivedEvent}), those of a batch one after
 * another. Returning acknowledges; what is thrown is logged, and answered as `webhookReceiver` does. Extend it, so that
 * secrets are provided, or give it to `@UseInterceptors` as it is.
 *
 * The bytes have to be there: `rawBody: true`, and in Fastify a parser of `application/cloudevents+json`.
 */
export class WebhookInterceptor implements NestInterceptor {
  readonly #receiver: WebhookReceiver;
  /** How the handler of the request at hand is called. */
  readonly #calls = new AsyncLocalStorage<WebhookReceiverOptions['handle']>();

  /** @throws TypeError for keys that are none */
  constructor(options: WebhookInterceptorOptions) {
    const log = new Logger(new.target.name);
    this.#receiver = new WebhookReceiver({
      onFailed: (error, { type, id }) =>
        log.error(`${type} ${id} was not handled: ${String(error)}`, error instanceof Error ? error.stack : undefined),
      onRefused: ({ message }) => log.warn(`A request was refused: ${message}`),
      ...options,
      handle: (event, delivery) => this.#calls.getStore()!(event, delivery),
    });
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const reply = context.switchToHttp().getResponse<PlatformReply>();
    const node = request.raw ?? (request as unknown as IncomingMessage);
    const body = await bodyOf(request, node, this.#receiver.maxBodyBytes);
    const answer = await this.#calls.run(calling(context, next), () => this.#answer(request, body));
    reply.status(answer.status);
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value);
    // What was not read of a body that is too large must not be taken for the next request.
    if (!node.complete) reply.header('connection', 'close');
    return of(answer.body === '' ? undefined : answer.body);
  }

  async #answer({ method, headers }: PlatformRequest, body: Uint8Array | 'gone' | undefined): Promise<ReceiverAnswer> {
    if (body === undefined) return tooLarge();
    return body === 'gone' ? bodyParsed() : this.#receiver.answer({ method, headers, body });
  }
}

/** Calls the route's handler, one event after another: all calls of a request share the list of its parameters. */
function calling(context: ExecutionContext, next: CallHandler): WebhookReceiverOptions['handle'] {
  let before: Promise<unknown> = Promise.resolve();
  return async (event, delivery) => {
    const call = before.then(() => {
      callWith(context, event, delivery);
      return lastValueFrom(next.handle(), { defaultValue: undefined });
    });
    before = call.catch(() => undefined);
    await call;
  };
}
