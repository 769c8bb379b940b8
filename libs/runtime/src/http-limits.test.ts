import 'reflect-metadata';
import { type Socket, connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Body, Controller, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { Health } from './health.js';
import { createHttpApp } from './http-app.js';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';
import { bytesParser } from './request-body.js';
import type { SocketUse } from './socket-limits.js';

let app: NestFastifyApplication;
let port: number;
let uses: SocketUse[];

afterEach(() => app.close());

async function serve(different: Partial<HttpLimits> = {}): Promise<void> {
  const limits = { ...HTTP_LIMITS, ...different };
  uses = [];
  app = await createHttpApp(moduleOf(), {
    log: createLog('test', 'silent'),
    health: new Health(),
    metrics: createMetrics('test'),
    openApi: {},
    limits,
    onSocket: (use) => uses.push(use),
  });
  void app
    .getHttpAdapter()
    .getInstance()
    .register((scope, _options, ready) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits));
      scope.post('/packed', { config: { unpacks: true } }, (request) => ({ bytes: (request.body as Buffer).length }));
      scope.post('/plain', (request) => ({ bytes: (request.body as Buffer).length }));
      ready();
    });
  await app.listen(0, '127.0.0.1');
  port = Number(new URL(await app.getUrl()).port);
}

function moduleOf(): object {
  class Echo {
    echo(body: unknown): object {
      return { body };
    }
  }
  // As decorators would, which the tests' compiler leaves out.
  Controller('json')(Echo);
  const descriptor = Object.getOwnPropertyDescriptor(Echo.prototype, 'echo')!;
  Post()(Echo.prototype, 'echo', descriptor);
  Body()(Echo.prototype, 'echo', 0);
  class EchoModule {}
  return { module: EchoModule, controllers: [Echo] };
}

interface Answered {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
}

async function post(path: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Answered> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: body as string,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> };
}

describe('a body', () => {
  it('in gzip is unpacked where the route does that', async () => {
    await serve();
    const text = JSON.stringify(Array.from({ length: 500 }, (_, n) => `some text ${n * 7919}`));
    const { status, json } = await post('/packed', gzipSync(text), { 'content-encoding': 'gzip' });
    expect([status, json]).toEqual([200, { bytes: text.length }]);
    expect((await post('/packed', text, { 'content-encoding': 'identity' })).json).toEqual({ bytes: text.length });
  });

  it('that unpacks to more than its ratio or the limit of bodies allows is refused without being held', async () => {
    await serve();
    const zeros = gzipSync(Buffer.alloc(100_000_000));
    const bomb = await post('/packed', zeros, { 'content-encoding': 'gzip' });
    expect(bomb).toMatchObject({ status: 413, json: { code: 'too-large', field: 'content-encoding' } });
    const small = await post('/packed', gzipSync(Buffer.alloc(100_000)), { 'content-encoding': 'gzip' });
    expect(small.json).toMatchObject({ code: 'too-large', detail: expect.stringContaining('50 times') as string });
    expect((await post('/packed', '[]')).status).toBe(200);
  });

  it('that says it is a form, as curl does unless told otherwise, is refused with what to say instead', async () => {
    await serve();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, json } = await post('/json', '{"a":1}', form);
    expect([status, json.code, json.field]).toEqual([415, 'content-type-unsupported', 'content-type']);
    expect(json.detail).toContain("curl: -H 'content-type: application/json'");
    expect((await post('/plain', 'a=1', form)).status).toBe(200);
    expect((await post('/json', '{"a":1}')).json).toEqual({ body: { a: 1 } });
  });

  it('in other encodings, or in any where none is unpacked, is refused with those that are', async () => {
    await serve();
    for (const [name, packed] of [
      ['br', brotliCompressSync('[]')],
      ['deflate', deflateSync('[]')],
      ['zstd', Buffer.from('[]')],
      ['gzip, gzip', gzipSync('[]')],
    ] as const) {
      const { status, headers, json } = await post('/packed', packed, { 'content-encoding': name });
      expect([name, status, json.code]).toEqual([name, 415, 'encoding-unsupported']);
      expect(headers.get('accept-encoding')).toBe('gzip, identity');
    }
    for (const path of ['/plain', '/json']) {
      const { status, headers } = await post(path, gzipSync('[]'), { 'content-encoding': 'gzip' });
      expect([status, headers.get('accept-encoding')]).toEqual([415, 'identity']);
    }
  });

  it('that says gzip and is none, or is cut short, is no body', async () => {
    await serve();
    for (const bytes of [Buffer.from('no gzip'), gzipSync('some text').subarray(0, 15)]) {
      const { status, json } = await post('/packed', bytes, { 'content-encoding': 'gzip' });
      expect([status, json.code, json.field]).toEqual([400, 'body-invalid', 'content-encoding']);
    }
  });

  it('of JSON is held to limits, and reaches no prototype', async () => {
    await serve();
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect((await post('/json', nested(64))).status).toBe(201);
    for (const bomb of [nested(65), nested(500_000), `[${'1'.repeat(65)}]`, `{${'"a":1,'.repeat(10_000)}"b":1}`]) {
      expect((await post('/json', bomb)).json).toMatchObject({ status: 400, code: 'too-complex' });
    }
    for (const poison of ['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}']) {
      expect((await post('/json', poison)).json).toMatchObject({ status: 400, code: 'body-invalid' });
    }
    expect((await post('/json', 'x'.repeat(1_100_000))).json).toMatchObject({ status: 413, code: 'too-large' });
    expect((await post('/json', '{"a":1}')).json).toEqual({ body: { a: 1 } });
  });
});

describe('a connection', () => {
  it('whose header fields or body do not come in time is answered and ended', async () => {
    await serve({ limitHeadersMs: 300, limitRequestMs: 600 });
    const head = 'POST /json HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
    const ends = await Promise.all(['', head, `${head}content-length: 9\r\n\r\n{`].map(ended));
    expect(ends.map(({ text }) => /^HTTP\/1.1 408/.test(text))).toEqual([true, true, true]);
    expect(ends[1]!.text).toContain('"code":"request-timeout"');
    expect((await post('/json', '{}')).status).toBe(201);
  });

  it('with more header fields than allowed is answered, and ended', async () => {
    await serve();
    const { text } = await ended(`GET /healthz/live HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 431 /);
    expect(text).toContain('"code":"headers-too-large"');
    expect((await ended('no http at all\r\n\r\n')).text).toContain('"code":"body-invalid"');
  });

  it('that waits for nothing is ended when it was idle for long', async () => {
    await serve({ limitIdleMs: 100 });
    const { text } = await ended('GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 200 /);
  });

  it('is ended after so many requests', async () => {
    await serve({ limitRequestsPerSocket: 2, limitIdleMs: 100 });
    const request = 'GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    let asked = 1;
    socket.on('data', (data) => {
      text += data.toString();
      if (asked++ < 2) socket.write(request);
    });
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(2);
    expect(text).toMatch(/connection: close/i);
  });

  it('more than an address, or all together, may have is closed, and there is room again when one ends', async () => {
    await serve({ limitAddressSockets: 2, limitSockets: 10 });
    const first = await opened();
    const second = await opened();
    await ended('');
    expect(uses.at(-1)).toEqual({ address: '127.0.0.1', used: 3, limit: 2 });
    first.destroy();
    await expect
      .poll(() => ended('GET /healthz/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'))
      .toMatchObject({
        text: expect.stringContaining('200') as string,
      });
    second.destroy();
    await app.close();

    await serve({ limitSockets: 10 });
    const many = await Promise.all(Array.from({ length: 10 }, opened));
    expect((await ended('GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n')).text).toBe('');
    expect(uses.at(-1)).toEqual({ address: undefined, used: 11, limit: 10 });
    for (const socket of many) socket.destroy();
  });
});

function opened(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Says something and waits for the end of the connection. */
function ended(said: string): Promise<{ text: string }> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(said));
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve({ text }));
  });
}
