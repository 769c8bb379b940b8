import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Endpoint, judge, retryAfterMs } from './deliver.js';

describe('one attempt', () => {
  let server: Server | undefined;
  let endpoint: Endpoint | undefined;

  afterEach(async () => {
    await endpoint?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  });

  async function attemptAgainst(handler: Parameters<typeof createServer>[1]): ReturnType<Endpoint['attempt']> {
    server = createServer(handler);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    endpoint = new Endpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 2);
    return endpoint.attempt({
      path: '/hook?a=1',
      headers: ['content-type', 'application/json'],
      body: Buffer.from('{}'),
    });
  }

  it('is done when the receiver says 2xx', async () => {
    const outcome = await attemptAgainst((request, response) => {
      response.statusCode = request.url === '/hook?a=1' && request.method === 'POST' ? 204 : 400;
      response.end();
    });
    expect(judge(outcome)).toEqual({ done: true });
  });

  it('is to be made again after a redirect, which is not followed', async () => {
    let requests = 0;
    const outcome = await attemptAgainst((_request, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(judge(outcome)).toEqual({ done: false, reason: 'status 302', notBeforeMs: 0 });
    expect(requests).toBe(1);
  });

  it('honours Retry-After of a receiver that is busy', async () => {
    const outcome = await attemptAgainst((_request, response) => {
      response.writeHead(429, { 'retry-after': '7' }).end();
    });
    expect(judge(outcome)).toEqual({ done: false, reason: 'status 429', notBeforeMs: 7000 });
  });

  it('takes the status of a receiver that goes on talking without end', async () => {
    const outcome = await attemptAgainst((_request, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(16_384);
      const talk = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', talk);
      talk();
    });
    expect(judge(outcome)).toEqual({ done: true });
  });

  it('is to be made again when nobody listens', async () => {
    endpoint = new Endpoint('http://127.0.0.1:1', 1);
    const outcome = await endpoint.attempt({ path: '/', headers: [], body: Buffer.from('') });
    expect(judge(outcome)).toMatchObject({ done: false, reason: 'ECONNREFUSED' });
  });
});

it('Retry-After is read as seconds or as a date, and bounded to a day', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('120', now)).toBe(120_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  expect(retryAfterMs('999999999', now)).toBe(86_400_000);
  for (const nothing of [undefined, 'soon', '-5', 'Wed, 31 Dec 2025 23:00:00 GMT']) {
    expect(retryAfterMs(nothing, now)).toBe(0);
  }
});
