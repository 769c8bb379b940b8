import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientTokens } from './client-tokens.js';
import { GatewayHttp } from './gateway-http.js';
import { fetchObject } from './object-fetch.js';
import { pullQueue } from './pull-worker.js';
import { refusalOf } from './refusal.js';

const DATAREF = '/v1/objects/sales-order/4711?version=7';

let stop = (): unknown => undefined;
afterEach(() => stop());

/** A gateway that never answers. */
async function silent(): Promise<string> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an error says', () => {
  it('who answered with what, where it was no gateway, and nothing of the query', async () => {
    const page = '<html><style>b { x: y }</style><h1>502 Bad\nGateway</h1><hr>nginx</html>';
    const response = new Response(page, { status: 502 });
    Object.defineProperty(response, 'url', { value: 'https://mesh.example/v1/tickets?ticket=secret' });
    const { message, code, retryable } = await refusalOf(response);
    expect([message, code, retryable]).toEqual([
      'The answer of https://mesh.example/v1/tickets was 502, without a problem document: 502 Bad Gateway nginx',
      'answer-unreadable',
      true,
    ]);
    const { message: bare } = await refusalOf(new Response('', { status: 404 }));
    expect(bare).toBe('The answer was 404, without a problem document.');
    const { message: long } = await refusalOf(new Response('x'.repeat(100_000), { status: 400 }));
    expect(long.length).toBeLessThan(300);
  });

  it('how long was waited in vain, and that the same may succeed later', async () => {
    const url = await silent();
    const asked = new GatewayHttp({ url, token: 't' }).ask('/v1/x', { timeoutMs: 100 });
    await expect(asked).rejects.toMatchObject({
      code: 'unreachable',
      message: `No answer from ${url}: none within 100 ms`,
      retryable: true,
      status: 0,
      cause: { name: 'TimeoutError' },
    });
  });

  it('what is wrong with a URL, before anything is asked', () => {
    for (const url of ['mesh.example.com', '', 'ftp://mesh.example.com', 'localhost:8080']) {
      expect(() => new GatewayHttp({ url, token: 't' }), url).toThrow(TypeError);
      expect(() => pullQueue({ url, token: 't', queue: 'q', handle: () => undefined })).toThrow('such as https://');
    }
  });
});

describe('who aborts is told what it was aborted with', () => {
  const reason = new Error('the user has gone');

  it('while an answer is waited for', async () => {
    const url = await silent();
    const aborting = new AbortController();
    const asked = new GatewayHttp({ url, token: 't' }).ask('/v1/x', { timeoutMs: 10_000, signal: aborting.signal });
    aborting.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  it('while it is read', async () => {
    const aborting = new AbortController();
    const request: typeof fetch = (_url, init) => {
      const body = new ReadableStream({
        start: (controller) => init!.signal!.addEventListener('abort', () => controller.error(init!.signal!.reason)),
      });
      return Promise.resolve(new Response(body));
    };
    const http = new GatewayHttp({ url: 'https://mesh.example', token: 't', fetch: request });
    const asked = http.askJson('/v1/x', { signal: aborting.signal });
    setTimeout(() => aborting.abort(reason), 20);
    await expect(asked).rejects.toBe(reason);
  });

  it('and between two tries', async () => {
    const aborting = new AbortController();
    const behind: typeof fetch = () => {
      setTimeout(() => aborting.abort(reason), 20);
      return Promise.resolve(new Response('', { status: 503, headers: { 'retry-after': '20' } }));
    };
    const gateway = { url: 'https://mesh.example', token: 't', fetch: behind, signal: aborting.signal };
    await expect(fetchObject({ dataref: DATAREF }, gateway)).rejects.toBe(reason);
  });
});

it('a token endpoint that does not answer is told as such, and so to all who wait for the token', async () => {
  const never: typeof fetch = () => Promise.reject(new DOMException('too late', 'TimeoutError'));
  const tokens = new ClientTokens({ tokenUrl: 'https://login.example/token', clientId: 'c', clientSecret: 's' }, never);
  const both = await Promise.allSettled([tokens.get(), tokens.get()]);
  for (const result of both) {
    expect(result).toMatchObject({
      reason: { code: 'unreachable', message: 'No answer from https://login.example: none within 10000 ms' },
    });
  }
});
