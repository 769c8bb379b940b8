import { writeFileSync } from 'node:fs';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type TrialRun, newFolder, runHeddle } from '../cli-trial.js';
import { EXIT } from '../exit-codes.js';

const QUEUE = {
  name: 'orders',
  types: ['a.*'],
  filter: [],
  order: 'key',
  leaseMs: 30_000,
  retry: { firstMs: 1, factor: 2, capMs: 3, jitter: 0, attempts: 4, maxAgeMs: 5000 },
  deadLetters: true,
  maxInFlight: 1000,
  shape: 'notify',
  start: {},
  paused: false,
};

/** What is put, and on which condition. */
const puts: { headers: IncomingMessage['headers']; body: Record<string, unknown> }[] = [];
/** What the gateway has, and answers to a PUT. */
let present: object | undefined;
let answer: [number, object];
let url: string;
let file: string;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'PUT') {
      puts.push({
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
      });
      response.writeHead(answer[0]).end(JSON.stringify(answer[1]));
    } else if (present === undefined) {
      response.writeHead(404).end(JSON.stringify({ code: 'not-found', detail: 'none' }));
    } else {
      response.writeHead(200, { etag: '"7"' }).end(JSON.stringify(present));
    }
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  file = join(newFolder(), 'queue.yaml');
  writeFileSync(file, 'kind: queue\nname: orders\nspec:\n  types: [a.*]\n  leaseMs: 45000\n  start: earliest\n');
});

beforeEach(() => {
  puts.splice(0);
  answer = [200, QUEUE];
});

afterAll(() => server.close());

it('a change is put on the condition that the version is still the one it was compared with, and without what is for new ones', async () => {
  present = QUEUE;
  expect(await apply()).toMatchObject({ code: 0 });
  expect(puts).toHaveLength(1);
  expect(puts[0]!.headers['if-match']).toBe('"7"');
  expect(puts[0]!.body).toMatchObject({ leaseMs: 45_000, retry: QUEUE.retry, order: 'key' });
  expect(puts[0]!.body).not.toHaveProperty('start');
});

it('what somebody else changed meanwhile is not written over: it is told, with code 6', async () => {
  present = QUEUE;
  answer = [412, { code: 'precondition-failed', detail: 'The version is 8 now: read it again, then change it.' }];
  const { code, out } = await apply();
  expect(code).toBe(EXIT.conflict.code);
  expect(out).toBe('refused    queue orders: The version is 8 now: read it again, then change it.');
});

it('a new one is made only where there is none still', async () => {
  present = undefined;
  answer = [201, QUEUE];
  expect(await apply()).toMatchObject({ code: 0, out: 'created    queue orders' });
  expect(puts[0]!.headers).toMatchObject({ 'if-none-match': '*' });
  expect(puts[0]!.body).toEqual({ ...defaults(), types: ['a.*'], leaseMs: 45_000, start: 'earliest', paused: false });
});

it('what is as it should be is not put', async () => {
  present = { ...QUEUE, leaseMs: 45_000 };
  expect(await apply()).toMatchObject({ code: 0, out: 'unchanged  queue orders' });
  expect(puts).toEqual([]);
});

it('a file of another kind, or of none, is refused before anything is asked', async () => {
  const asked = await runHeddle(['webhook', 'apply', file], { GATEWAY_URL: url, HEDDLE_TOKEN: 't' });
  expect(asked).toMatchObject({
    code: EXIT.usage.code,
    said: expect.stringContaining('heddle queue apply takes it') as string,
  });
  const odd = join(newFolder(), 'odd.yaml');
  writeFileSync(odd, 'kind: queue\nname: x\nspec: {}\nlabels: {}\n');
  const { code, said } = await runHeddle(['queue', 'apply', odd], { GATEWAY_URL: url, HEDDLE_TOKEN: 't' });
  expect([code, said]).toEqual([1, expect.stringContaining('labels is not known beside kind, name and spec')]);
});

function defaults(): object {
  const { filter, deadLetters, maxInFlight, shape } = QUEUE;
  return { filter, deadLetters, maxInFlight, shape };
}

function apply(): Promise<TrialRun> {
  return runHeddle(['queue', 'apply', file], { GATEWAY_URL: url, HEDDLE_TOKEN: 't' });
}
