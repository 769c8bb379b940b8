import { type IncomingHttpHeaders, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loopbackNetwork } from '../../network/network-trial.js';
import {
  CONSENT_MS,
  type Consent,
  type HandshakeWish,
  ask,
  askAgainMs,
  granted,
  initialConsent,
  isTokenOf,
  webhookOfToken,
} from './handshake.js';

const NETWORK = loopbackNetwork();

const WISH: HandshakeWish = { origin: 'events.example.com', ratePerMinute: 120 };
const CALLBACK = 'https://gateway.test/v1/webhooks/handshake/t';

let server: Server;
let url: string;
let asked: { method: string; url: string; headers: IncomingHttpHeaders }[];
let answer: { status: number; headers: Record<string, string> };

beforeEach(async () => {
  asked = [];
  answer = { status: 200, headers: {} };
  server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=b`;
});

afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('asks by OPTIONS at the exact URL, with origin, rate and callback', async () => {
  await ask(asking(), { url, wish: WISH, callback: CALLBACK, network: NETWORK });
  expect(asked).toMatchObject([
    {
      method: 'OPTIONS',
      url: '/hook?a=b',
      headers: {
        'webhook-request-origin': 'events.example.com',
        'webhook-request-rate': '120',
        'webhook-request-callback': CALLBACK,
      },
    },
  ]);
  await ask(asking(), { url, wish: { origin: 'other.example.com' }, callback: CALLBACK, network: NETWORK });
  expect(asked[1]?.headers).not.toHaveProperty('webhook-request-rate');
});

it.each<[what: string, status: number, headers: Record<string, string>, consent: Partial<Consent>]>([
  ['our origin, our rate', 200, allows('events.example.com', '120'), { state: 'granted', ratePerMinute: 120 }],
  ['our origin in other case', 200, allows('Events.Example.com', '120'), { state: 'granted', ratePerMinute: 120 }],
  ['any origin, a lower rate', 204, allows('*', '5'), { state: 'granted', ratePerMinute: 5 }],
  ['any rate', 200, allows('*', '*'), { state: 'granted' }],
  ['no rate', 200, allows('*'), { state: 'granted', ratePerMinute: 120 }],
  // §4.2: "the handshake cannot rely on status codes".
  ['consent under another status', 405, allows('*', '120'), { state: 'granted', ratePerMinute: 120 }],
  ['nothing', 200, {}, { state: 'pending' }],
  ['a rate alone', 200, { 'webhook-allowed-rate': '120' }, { state: 'pending' }],
  ['that it has no OPTIONS', 405, {}, { state: 'pending' }],
  ['a redirect, which is not followed', 302, { location: '/elsewhere' }, { state: 'pending' }],
  ['another origin', 200, allows('else.example.com', '*'), { state: 'refused' }],
  ['a list of origins', 200, allows('events.example.com, a.example.com', '*'), { state: 'refused' }],
  ['a rate of zero', 200, allows('*', '0'), { state: 'refused' }],
  ['a rate that is none', 200, allows('*', 'fast'), { state: 'refused' }],
])('a receiver that answers with %s', async (_what, status, headers, consent) => {
  answer = { status, headers };
  const after = await ask(asking(), { url, wish: WISH, callback: CALLBACK, network: NETWORK });
  expect(after).toMatchObject(consent);
  if (after.state === 'granted' && consent.state === 'granted') {
    expect(after.ratePerMinute).toBe(consent.ratePerMinute);
  }
});

it('a receiver that is not reached is asked again, with delays that grow to five minutes', async () => {
  const before = asking();
  const after = await ask(before, { url: 'http://127.0.0.1:1/', wish: WISH, callback: CALLBACK, network: NETWORK });
  expect(after).toEqual({ ...before, lastError: 'ECONNREFUSED' });
  const delays = Array.from({ length: 12 }, (_, index) => askAgainMs(index + 1));
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  expect([delays[0], delays.at(-1)]).toEqual([1000, 300_000]);
});

it('nobody is asked where the webhook is exempt', () => {
  expect(initialConsent({ tenant: 'local', name: 'hook', handshake: 'exempt' }, 0)).toEqual({ state: 'exempt' });
});

it('a token says which webhook it is for, is not guessed, and ends with the handshake', () => {
  const one = asking();
  expect(webhookOfToken(one.token)).toEqual({ tenant: 'local', name: 'my-hook' });
  expect(isTokenOf(one, one.token)).toBe(true);
  expect(isTokenOf(one, asking().token)).toBe(false);
  expect(isTokenOf(one, '')).toBe(false);
  expect(isTokenOf({ state: 'refused', at: 'then', reason: 'so' }, one.token)).toBe(false);
  for (const wrong of ['', 'x', 'local.my-hook.', `local.my-hook.${'a'.repeat(42)}`, `.hook.${'a'.repeat(43)}`]) {
    expect(webhookOfToken(wrong)).toBeUndefined();
  }
});

it('a token names webhooks that are named like queues of SAP Event Mesh', () => {
  for (const name of ['acme/sales/Hook.one', 'a.b', 'A', 'x_y']) {
    const consent = initialConsent({ tenant: 'acme', name, handshake: WISH }, 0);
    const token = 'token' in consent ? consent.token : '';
    expect(token).toMatch(/^[A-Za-z0-9._~-]+$/);
    expect(webhookOfToken(token)).toEqual({ tenant: 'acme', name });
  }
});

it('asks with further headers where there are some, which do not change the question', async () => {
  const headers = { authorization: 'Basic x', 'webhook-request-origin': 'somebody.else' };
  await ask(asking(), { url, wish: WISH, callback: CALLBACK, headers, network: NETWORK });
  expect(asked[0]?.headers).toMatchObject({ authorization: 'Basic x', 'webhook-request-origin': WISH.origin });
});

it('consent by callback is for the rate it names, or for the one asked for', () => {
  expect(granted('t', '7', WISH, 0)).toMatchObject({ state: 'granted', ratePerMinute: 7 });
  expect(granted('t', undefined, WISH, 0)).toMatchObject({ state: 'granted', ratePerMinute: 120 });
  expect(granted('t', '*', WISH, 0)).not.toHaveProperty('ratePerMinute');
  expect(granted('t', '1.5', WISH, 0)).toMatchObject({ state: 'refused' });
  expect(CONSENT_MS).toBe(7 * 24 * 3_600_000);
});

function asking() {
  const consent = initialConsent({ tenant: 'local', name: 'my-hook', handshake: WISH }, Date.now());
  if (consent.state !== 'asking') throw new Error('it begins by asking');
  return consent;
}

function allows(origin: string, rate?: string): Record<string, string> {
  return { 'webhook-allowed-origin': origin, ...(rate === undefined ? {} : { 'webhook-allowed-rate': rate }) };
}
