import { callerFor } from '../../identity/identity-trial.js';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { rateLimitOf } from './webhook.js';
import { VALID, WebhooksTrial, headersOf } from './webhooks-trial.js';

const ADMIN = callerFor();

let trial: WebhooksTrial;
let server: Server;
let url: string;
let options: IncomingHttpHeaders[];
let consent: Record<string, string>;

beforeEach(async () => {
  trial = new WebhooksTrial();
  options = [];
  consent = {};
  server = createServer((request, response) => {
    options.push(request.headers);
    response.writeHead(200, consent).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  trial.webhooks.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('nothing is delivered before consent, and no faster than it says', async () => {
  consent = { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '90' };
  const { view } = await trial.put('hook', request());
  expect([view.state, view.handshake.state]).toEqual(['no-consent', 'asking']);
  await expect(trial.webhooks.test(ADMIN, 'hook', {})).rejects.toMatchObject({ code: 'conflict' });
  await state('granted');
  expect(rateLimitOf(trial.working.get('hook')!)).toBe(1.5);
  expect(
    rateLimitOf({
      ...trial.working.get('hook')!,
      delivery: { ...trial.stored.get('hook')!.delivery, ratePerSecond: 1 },
    }),
  ).toBe(1);
  expect(trial.webhooks.get(ADMIN, 'hook')).toMatchObject({ version: 1, view: { state: 'active' } });
  await trial.webhooks.test(ADMIN, 'hook', {});
  expect(headersOf(trial.sent[0]!)['webhook-request-origin']).toBe('events.example.com');
});

it('late consent comes by the callback, once asked without an answer, and by nobody who does not know it', async () => {
  await trial.put('hook', request());
  await state('pending');
  const token = tokenOf(options[0]!);
  await expect(
    trial.webhooks.consent(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, undefined),
  ).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(trial.webhooks.consent(token, 'none')).rejects.toMatchObject({ code: 'parameter-invalid' });
  expect(trial.webhooks.get(ADMIN, 'hook').view.state).toBe('no-consent');
  expect(await trial.webhooks.consent(token, '30')).toEqual({ webhook: 'hook', state: 'granted' });
  expect(trial.webhooks.get(ADMIN, 'hook').view).toMatchObject({ state: 'active', handshake: { ratePerMinute: 30 } });
  expect(trial.stored.get('hook')?.consent.state).toBe('granted');
});

it('a refusal is final until somebody resumes the webhook', async () => {
  consent = { 'webhook-allowed-origin': 'else.example.com' };
  await trial.put('hook', request());
  await state('refused');
  consent = { 'webhook-allowed-origin': '*' };
  await trial.webhooks.resume(ADMIN, 'hook');
  await state('granted');
  expect(options).toHaveLength(2);
  expect(tokenOf(options[0]!)).not.toBe(tokenOf(options[1]!));
});

it('another URL is asked anew, and other changes are not', async () => {
  consent = { 'webhook-allowed-origin': '*' };
  await trial.put('hook', request());
  await state('granted');
  await trial.put('hook', { ...request(), contentMode: 'binary' });
  expect(trial.webhooks.get(ADMIN, 'hook').view.handshake.state).toBe('granted');
  consent = {};
  await trial.put('hook', { ...request(), url: `${url}elsewhere` });
  await state('pending');
  await expect(trial.webhooks.consent(tokenOf(options[0]!), '*')).rejects.toMatchObject({ code: 'not-found' });
  expect(options).toHaveLength(2);
});

it('whoever takes over asks again where nobody was reached, and waits where consent may still come', async () => {
  server.closeAllConnections();
  await trial.put('hook', { ...request(), url: 'http://127.0.0.1:1/' });
  await vi.waitFor(() => expect(trial.webhooks.get(ADMIN, 'hook').view.handshake.reason).toBe('ECONNREFUSED'), {
    timeout: 10_000,
  });
  consent = {};
  trial.reopen();
  trial.takeOver({ ...trial.stored.get('hook')!, url });
  await state('pending');
  trial.reopen();
  trial.takeOver(trial.stored.get('hook')!);
  await trial.webhooks.consent(tokenOf(options[0]!), undefined);
  expect(options).toHaveLength(1);
  expect(trial.webhooks.get(ADMIN, 'hook').view.state).toBe('active');
});

it('consent that does not come in time has expired', async () => {
  await trial.put('hook', request());
  await state('pending');
  const late = trial.stored.get('hook')!;
  if (late.consent.state !== 'pending') throw new Error('it waits');
  trial.reopen();
  trial.takeOver({ ...late, consent: { ...late.consent, since: '2020-01-01T00:00:00.000Z' } });
  await state('expired');
  await expect(trial.webhooks.consent(tokenOf(options[0]!), '*')).rejects.toMatchObject({ code: 'not-found' });
});

function request() {
  return { ...VALID, url, handshake: { origin: 'events.example.com', ratePerMinute: 600 } };
}

async function state(wanted: string): Promise<void> {
  await vi.waitFor(() => expect(trial.webhooks.get(ADMIN, 'hook').view.handshake.state).toBe(wanted), {
    timeout: 10_000,
  });
}

function tokenOf(headers: IncomingHttpHeaders): string {
  const callback = String(headers['webhook-request-callback']);
  expect(callback).toMatch(/^http:\/\/gateway\.test\/v1\/webhooks\/handshake\/local\.hook\./);
  return callback.split('/').at(-1)!;
}
