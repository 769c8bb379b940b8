import { Pool, type Dispatcher as Undici } from 'undici';

/** One request to a receiver. */
export interface Attempt {
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: Buffer;
}

/** How an attempt ended. `transport` errors are those of the way there: no connection, no answer in time, cut off. */
export type AttemptOutcome =
  | { kind: 'status'; status: number; retryAfterMs: number; ms: number }
  | { kind: 'transport'; error: string; ms: number };

/** What follows from it. */
export type Verdict = { done: true } | { done: false; reason: string; notBeforeMs: number };

const CONNECT_TIMEOUT_MS = 5000;
const TOTAL_TIMEOUT_MS = 15_000;
const MAX_RESPONSE_BYTES = 64 * 1024;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** The connections to one receiver. */
export class Endpoint {
  readonly #pool: Pool;

  constructor(origin: string, connections: number) {
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: TOTAL_TIMEOUT_MS,
      bodyTimeout: TOTAL_TIMEOUT_MS,
      keepAliveTimeout: 30_000,
    });
  }

  /** Makes one request; resolves with how it ended, never rejects. */
  attempt({ path, headers, body }: Attempt): Promise<AttemptOutcome> {
    return new Promise((resolve) => {
      const handler = new OutcomeHandler(resolve);
      this.#pool.dispatch({ method: 'POST', path, headers, body }, handler);
    });
  }

  /** Cuts off what is under way. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/**
 * Follows one response. Only the status and `Retry-After` matter: the body is read to its end, so that the connection
 * can be used again, but not beyond a bound of size and time.
 */
class OutcomeHandler implements Undici.DispatchHandler {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  #controller: Undici.DispatchController | undefined;
  #status = 0;
  #retryAfterMs = 0;
  #bytes = 0;
  #over = false;

  constructor(private readonly resolve: (outcome: AttemptOutcome) => void) {
    this.#timer = setTimeout(() => {
      this.#end({ kind: 'transport', error: `no complete answer within ${TOTAL_TIMEOUT_MS / 1000} s`, ms: this.#ms });
      this.#controller?.abort(new Error('attempt timed out'));
    }, TOTAL_TIMEOUT_MS);
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('attempt timed out'));
  }

  onResponseStart(
    _controller: Undici.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    if (status === 429 || status === 503) this.#retryAfterMs = retryAfterMs(headers['retry-after'], Date.now());
  }

  onResponseData(controller: Undici.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_RESPONSE_BYTES) return;
    // The status is known: what else it has to say is not wanted.
    this.#answered();
    controller.abort(new Error('response longer than wanted'));
  }

  onResponseEnd(): void {
    this.#answered();
  }

  onResponseError(_controller: Undici.DispatchController | undefined, error: Error): void {
    this.#end({ kind: 'transport', error: transportError(error), ms: this.#ms });
  }

  get #ms(): number {
    return performance.now() - this.#started;
  }

  #answered(): void {
    this.#end({ kind: 'status', status: this.#status, retryAfterMs: this.#retryAfterMs, ms: this.#ms });
  }

  #end(outcome: AttemptOutcome): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.resolve(outcome);
  }
}

/** The one decision about an attempt: 2xx is done; anything else, redirects included, is tried again. */
export function judge(outcome: AttemptOutcome): Verdict {
  if (outcome.kind === 'transport') return { done: false, reason: outcome.error, notBeforeMs: 0 };
  const { status, retryAfterMs: notBeforeMs } = outcome;
  if (status >= 200 && status < 300) return { done: true };
  return { done: false, reason: `status ${status}`, notBeforeMs };
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most 24 h; 0 where it says nothing usable. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}

function transportError(error: Error & { code?: string; cause?: unknown }): string {
  const cause = error.cause as { code?: string } | undefined;
  return error.code ?? cause?.code ?? error.message;
}
