import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import { portOf } from '../../network/receiver-url.js';

/** What a receiver's server is spoken to with over TLS, beside the certificates everybody trusts. */
export interface TlsIdentity {
  cert: string;
  key: string;
  /** Trusted instead of the usual authorities. */
  ca?: string;
}

export interface OneRequest {
  method: 'OPTIONS' | 'POST';
  headers: Record<string, string>;
  body?: string;
  tls?: TlsIdentity | undefined;
  /** Where it may go. */
  network: Pick<ReceiverNetwork, 'permit' | 'lookup'>;
  timeoutMs: number;
}

export interface OneAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * One request beside the deliveries (a handshake, a token), over a connection of its own, redirects not followed.
 * Rejects with `receiver-forbidden` where the network refuses, the system's error, or one that says what was wrong
 * with the answer.
 */
export async function oneRequest(url: string, request: OneRequest): Promise<OneAnswer> {
  const target = new URL(url);
  await request.network.permit(target);
  return made(target, request);
}

function made(target: URL, { method, headers, body, tls, network, timeoutMs }: OneRequest): Promise<OneAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OneAnswer>();
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = {
    method,
    headers: { 'user-agent': 'heddle/0.1', ...headers, ...length },
    agent: false,
    lookup: network.lookup(portOf(target)),
  } as const;
  const request =
    target.protocol === 'https:' ? httpsRequest(target, { ...options, ...tls }) : httpRequest(target, options);
  const timer = setTimeout(
    () => request.destroy(new Error(`no complete answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is longer than 64 KiB'));
    });
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      }),
    );
    response.on('error', reject);
  });
  request.on('error', reject);
  request.end(body);
  return promise.finally(() => clearTimeout(timer));
}

/** What a failed request says of itself in one line: the system's code where there is one. */
export function failureOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return code ?? message ?? 'unknown';
}
