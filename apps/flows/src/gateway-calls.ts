import type { Tokens } from '@heddle/client';

export interface GatewayAnswer {
  /** 0 where none came. */
  status: number;
  /** The body where it is a JSON object, else none of its fields. */
  json: Record<string, unknown>;
  /** What was wrong, as the gateway says it. */
  detail: string;
  isRetryable: boolean;
  retryAfterMs: number | undefined;
}

export interface GatewayCall {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  timeoutMs?: number;
}

/** Requests to the gateway as its client. Never rejects; a token that is refused is replaced once. */
export class GatewayCalls {
  constructor(
    readonly url: string,
    readonly tokens: Tokens,
  ) {}

  async call(path: string, call: GatewayCall = {}): Promise<GatewayAnswer> {
    try {
      const token = await this.tokens.get();
      const answer = await this.#once(path, token, call);
      if (answer.status !== 401) return answer;
      this.tokens.refused?.(token);
      const another = await this.tokens.get();
      return another === token ? answer : await this.#once(path, another, call);
    } catch (error) {
      // A client that is not known, or a secret that is wrong, may be mended there: nothing is given up for it.
      const detail = `no answer from the gateway: ${reasonOf(error)}`;
      return { status: 0, json: {}, detail, isRetryable: true, retryAfterMs: undefined };
    }
  }

  async #once(path: string, token: string, { method, headers, body, timeoutMs = 15_000 }: GatewayCall) {
    const response = await fetch(this.url + path, {
      method: method ?? 'GET',
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: body as string }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const json = objectOf(await response.text());
    const { detail, retryable } = json;
    return {
      status: response.status,
      json,
      detail: typeof detail === 'string' ? detail : `the gateway answered ${response.status}`,
      isRetryable: typeof retryable === 'boolean' ? retryable : response.status >= 500 || response.status === 429,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    };
  }
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), in milliseconds; undefined where it says nothing usable. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** What a failed `fetch` says, which is one level deeper. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
