import type { WebhookReceiver } from './webhook-receiver.js';

/** Of a Fastify instance what is needed here, so that Fastify itself is not. */
interface Scope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    contentType: string,
    options: { parseAs: 'buffer'; bodyLimit: number },
    parser: (request: unknown, body: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  route(options: {
    method: ('POST' | 'OPTIONS')[];
    url: string;
    handler: (request: unknown, reply: unknown) => Promise<unknown>;
  }): unknown;
}

interface FastifyRequest {
  method: string;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: Record<string, string>): FastifyReply;
  send(body: string): FastifyReply;
}

/**
 * A plugin that brings requests to a receiver, with the bytes as they came: `app.register(fastifyReceiver(receiver), {
 * prefix: '/webhooks/orders' })`. Parsers of the rest of the application are not touched.
 */
export function fastifyReceiver(
  receiver: WebhookReceiver,
): (scope: Scope, options: object, done: (error?: Error) => void) => void {
  return (scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: receiver.maxBodyBytes }, (_request, body, parsed) =>
      parsed(null, body),
    );
    const handler = async (request: unknown, reply: unknown): Promise<unknown> => {
      const { method, headers, body } = request as FastifyRequest;
      const bytes = body instanceof Uint8Array ? body : new Uint8Array();
      const answer = await receiver.answer({ method, headers, body: bytes });
      return (reply as FastifyReply).code(answer.status).headers(answer.headers).send(answer.body);
    };
    scope.route({ method: ['POST', 'OPTIONS'], url: '/', handler });
    done();
  };
}
