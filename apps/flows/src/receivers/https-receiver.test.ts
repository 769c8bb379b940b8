import { type IncomingHttpHeaders, type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Secrets } from '../secrets.js';
import { HttpsReceiver } from './https-receiver.js';

let answer: RequestListener;
let heard: { headers: IncomingHttpHeaders; body: string } | undefined;
let url: string;

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    heard = { headers: request.headers, body: Buffer.concat(parts).toString() };
    answer(request, response);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const MESSAGE = { id: 'm-1', contentType: 'application/xml; charset=utf-8', body: Buffer.from('<a/>') };

function receiver(rule: object = {}): HttpsReceiver {
  const secrets = new Secrets({ ERP_PASSWORD: 'p', ERP_TOKEN: 't' });
  return new HttpsReceiver({ url, method: 'POST', headers: {}, timeoutMs: 10_000, ...rule }, secrets);
}

it('a message arrives with its id, its content type, the headers of the flow and its credentials', async () => {
  answer = (_request, response) => response.writeHead(200).end('thanks');
  const basic = { basic: { user: 'mesh', passwordFrom: 'ERP_PASSWORD' } };
  const outcome = await receiver({ headers: { 'x-system': 'mesh' }, credentials: basic }).take(MESSAGE);
  expect(outcome).toEqual({ state: 'done', answer: { status: 200, excerpt: 'thanks' } });
  expect(heard).toMatchObject({
    headers: {
      'idempotency-key': 'm-1',
      'content-type': 'application/xml; charset=utf-8',
      'x-system': 'mesh',
      authorization: `Basic ${Buffer.from('mesh:p').toString('base64')}`,
    },
    body: '<a/>',
  });
});

it.each([
  [204, 'done'],
  [302, 'permanent'],
  [400, 'permanent'],
  [401, 'permanent'],
  [404, 'permanent'],
  [410, 'permanent'],
  [422, 'permanent'],
  [408, 'retryable'],
  [425, 'retryable'],
  [429, 'retryable'],
  [500, 'retryable'],
  [503, 'retryable'],
])('%i is %s', async (status, state) => {
  answer = (_request, response) => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();
  expect(await receiver().take(MESSAGE)).toMatchObject({ state, answer: { status } });
});

it('how long the receiver asks to be left alone is known', async () => {
  answer = (_request, response) => response.writeHead(429, { 'retry-after': '7' }).end();
  expect(await receiver().take(MESSAGE)).toMatchObject({ state: 'retryable', retryAfterMs: 7000 });
});

it('no answer in time, and nobody there, may be better later', async () => {
  answer = () => undefined;
  const late = await receiver({ timeoutMs: 300 }).take(MESSAGE);
  expect(late).toMatchObject({
    state: 'retryable',
    reason: expect.stringContaining('no answer within 300 ms') as string,
  });
  const gone = await receiver({ url: 'http://127.0.0.1:1/' }).take(MESSAGE);
  expect(gone).toMatchObject({ state: 'retryable', answer: { status: 0 } });
});

it('of what it says, the beginning is kept, and the end is not waited for', async () => {
  answer = (_request, response) => response.writeHead(500).write('x'.repeat(5000));
  const outcome = await receiver().take(MESSAGE);
  expect(outcome).toMatchObject({ state: 'retryable', answer: { status: 500, excerpt: 'x'.repeat(1024) } });
});
