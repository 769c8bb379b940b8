import { authorizationFor } from './keyring.js';

/** What a server answered, its body read. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined when it is none. */
  json: unknown;
}

export interface CallOptions {
  /** With an `authorization` of its own the request is not made as the administrator; an empty one is none. */
  headers?: Record<string, string>;
  /** An object is written as JSON; text and bytes as they are. */
  body?: unknown;
}

/** One HTTP request; any status is an answer. */
export async function call(
  method: string,
  url: string,
  { headers: given = {}, body }: CallOptions = {},
): Promise<Answer> {
  const headers = given['authorization'] === undefined ? { ...(await authorizationFor(url)), ...given } : given;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: body === undefined || isRaw ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
