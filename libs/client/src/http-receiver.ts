import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReceiverAnswer } from './webhook-answer.js';
import { type WebhookReceiver, bodyParsed, tooLarge } from './webhook-receiver.js';

/** A request of Node, with what body parsers may have left on it. */
type NodeRequest = IncomingMessage & { rawBody?: unknown; body?: unknown };

/** A listener of Node's own server, a handler of Express, and middleware of either and of NestJS on both platforms. */
export type HttpReceiver = (request: NodeRequest, response: ServerResponse, next?: (error?: unknown) => void) => void;

/**
 * Brings requests to a receiver. The bytes that are signed have to come here: before any parser of bodies
 * (`app.use(path, httpReceiver(…))` above `express.json()`, or in NestJS before `listen`), behind `express.raw()`, or with
 * `rawBody: true` of NestJS.
 */
export function httpReceiver(receiver: WebhookReceiver): HttpReceiver {
  return (request, response, next) => {
    answerOf(receiver, request).then(
      (answer) => write(answer, request, response),
      // The sender is gone in the middle of its request: nobody hears an answer.
      (error: unknown) => (next === undefined ? response.destroy() : next(error)),
    );
  };
}

async function answerOf(receiver: WebhookReceiver, request: NodeRequest): Promise<ReceiverAnswer> {
  const { method = '', headers } = request;
  const body = await bodyOf(request, request, receiver.maxBodyBytes);
  if (body === undefined) return tooLarge();
  if (body === 'gone') return bodyParsed();
  return receiver.answer({ method, headers, body });
}

/** The bytes as they came; nothing when there are too many, `gone` when somebody else has read them. */
export async function bodyOf(
  { rawBody, body }: { rawBody?: unknown; body?: unknown },
  request: IncomingMessage,
  most: number,
): Promise<Uint8Array | 'gone' | undefined> {
  if (rawBody instanceof Uint8Array) return rawBody;
  if (body instanceof Uint8Array) return body;
  if (request.readableEnded || request.readableDidRead) return request.method === 'POST' ? 'gone' : new Uint8Array();
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    // Not by `for await`: that would end the connection, and the answer with it, where too much comes.
    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes <= most) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the request was cut off')));
  });
}

function write({ status, headers, body }: ReceiverAnswer, request: NodeRequest, response: ServerResponse): void {
  // What was not read of a body that is too large must not be taken for the next request.
  const ended = request.complete ? headers : { ...headers, connection: 'close' };
  response.writeHead(status, ended).end(body);
}
