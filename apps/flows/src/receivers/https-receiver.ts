import { type Dispatcher, type Response, fetch } from 'undici';
import type { HttpsReceiverRule } from '../flow.shape.js';
import { reasonOf, retryAfterMs } from '../gateway-calls.js';
import type { Message, Passing, Receiver, ReceiverAnswer } from '../message.js';
import { type Secrets, basicHeader, urlOf } from '../secrets.js';
import { connectionsOf } from './receiver-tls.js';

const EXCERPT_BYTES = 1024;
/** Beside 5xx, what the same request may be answered otherwise later (RFC 9110 §15.5.9, RFC 6585 §4, RFC 8470 §5.2). */
const RETRYABLE = new Set([408, 425, 429]);

/**
 * A receiver at a URL. What it answers decides: 2xx is done; 5xx, 408, 425, 429 and no answer may be better later; all
 * else would stay as it is. The id of the message goes with it as `idempotency-key`, the same at every attempt.
 */
export class HttpsReceiver implements Receiver {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #connections: Dispatcher | undefined;

  constructor(
    private readonly rule: HttpsReceiverRule,
    secrets: Secrets,
  ) {
    this.#url = urlOf(rule, secrets);
    this.#headers = { ...rule.headers, ...credentialsOf(rule.credentials, secrets) };
    this.#connections = connectionsOf(rule.tls, secrets);
  }

  async take({ id, contentType, body }: Message, signal?: AbortSignal): Promise<Passing> {
    const { method, timeoutMs } = this.rule;
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await fetch(this.#url, {
        method,
        headers: {
          ...this.#headers,
          ...(contentType === '' ? {} : { 'content-type': contentType }),
          'idempotency-key': id,
        },
        body: body as Uint8Array<ArrayBuffer>,
        ...(this.#connections === undefined ? {} : { dispatcher: this.#connections }),
        // Where it leads is the receiver's to say, and where credentials go the flow's.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      });
    } catch (error) {
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      return { state: 'retryable', reason: `The receiver was not reached: ${why}`, answer: { status: 0 } };
    }
    const { status } = response;
    const answer = await answerOf(response);
    if (response.ok) return { state: 'done', answer };
    const reason = `The receiver answered ${status}`;
    if (status < 500 && !RETRYABLE.has(status)) return { state: 'permanent', reason, answer };
    const askedMs = retryAfterMs(response.headers.get('retry-after'));
    return { state: 'retryable', reason, answer, ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }) };
  }
}

/** The beginning of a body; what comes after is not waited for. */
async function answerOf({ status, body }: Response): Promise<ReceiverAnswer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of body ?? []) {
      parts.push(part);
      size += part.length;
      if (size >= EXCERPT_BYTES) break;
    }
  } catch {
    // The status was said: that is the answer, whatever became of the rest.
  }
  const excerpt = Buffer.concat(parts).subarray(0, EXCERPT_BYTES).toString();
  return excerpt === '' ? { status } : { status, excerpt };
}

function credentialsOf(credentials: HttpsReceiverRule['credentials'], secrets: Secrets): Record<string, string> {
  if (credentials === undefined) return {};
  if ('basic' in credentials) return { authorization: basicHeader(credentials.basic, secrets) };
  if ('bearer' in credentials) return { authorization: `Bearer ${secrets.get(credentials.bearer.tokenFrom)}` };
  return { [credentials.header.name]: secrets.get(credentials.header.valueFrom) };
}
