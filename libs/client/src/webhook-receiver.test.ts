import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CloudEvent } from './cloud-event.js';
import { RecentEvents } from './seen-events.js';
import { newTrialSecret, signedRequest, trialEvent } from './signing-trial.js';
import { WebhookAnswer } from './webhook-answer.js';
import { giveConsent } from './webhook-consent.js';
import { type WebhookReceiverOptions, webhookReceiver } from './webhook-receiver.js';

const SECRET = newTrialSecret();
const POST = { method: 'POST' };

describe('the answer', () => {
  it('is 204 once the handler has succeeded, not before', async () => {
    let isDone = false;
    const receiver = receiverOf(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      isDone = true;
    });
    const answer = await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1')) });
    expect([answer.status, isDone]).toEqual([204, true]);
  });

  it.each<[what: string, error: unknown, status: number, retryAfter: string | undefined]>([
    ['fails: tried again', new Error('the password of the database is 12345'), 500, undefined],
    ['asks to wait', WebhookAnswer.later(120), 503, '120'],
    ['asks for a slower pace', WebhookAnswer.slower(0.2), 429, '1'],
    ['cannot use the event', WebhookAnswer.unusable('no such order'), 422, undefined],
    ['wants no more: the webhook is disabled', WebhookAnswer.noMore(), 410, undefined],
  ])('when the handler %s', async (_what, error, status, retryAfter) => {
    const failed: unknown[] = [];
    const receiver = receiverOf(() => Promise.reject(error as Error), { onFailed: (cause) => failed.push(cause) });
    const answer = await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1')) });
    expect(answer.status).toBe(status);
    expect(answer.headers['retry-after']).toBe(retryAfter);
    // What went wrong inside is told inside only.
    expect(answer.body).not.toContain('12345');
    expect(failed).toEqual(status === 500 ? [error] : []);
  });

  it('to whoever has not signed is 401 with the reason, and no handler hears of it', async () => {
    const events: CloudEvent[] = [];
    const refused: string[] = [];
    const options = { onRefused: ({ reason }: { reason: string }) => refused.push(reason) };
    const receiver = receiverOf((event) => void events.push(event), options);
    const request = { ...POST, ...signedRequest(newTrialSecret(), trialEvent('e1')) };
    const answer = await receiver.answer(request);
    expect(answer).toMatchObject({ status: 401, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'signature-mismatch' });
    expect([events, refused]).toEqual([[], ['signature-mismatch']]);
    expect(await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1')) })).toMatchObject({
      status: 204,
    });
    expect(events).toHaveLength(1);
  });

  it('to other methods, and to bodies that are too large, says so', async () => {
    const receiver = receiverOf(() => undefined, { maxBodyBytes: 100 });
    expect(await receiver.answer({ method: 'GET', headers: {}, body: '' })).toMatchObject({ status: 405 });
    const large = signedRequest(SECRET, trialEvent('e1', { data: 'x'.repeat(200) }));
    expect(await receiver.answer({ ...POST, ...large })).toMatchObject({ status: 413 });
  });

  it('is given to a Request as a Response, too', async () => {
    const receiver = receiverOf(() => undefined);
    const request = signedRequest(SECRET, trialEvent('e1'));
    const answer = await receiver.fetch(new Request('https://receiver.example/hook', { ...POST, ...request }));
    expect([answer.status, await answer.text()]).toEqual([204, '']);
  });
});

describe('a repeat', () => {
  it('is acknowledged without being handled again, unless it is replayed or a test', async () => {
    const { receiver, ids } = counting();
    const once = signedRequest(SECRET, trialEvent('e1'));
    for (let n = 0; n < 3; n += 1) expect(await receiver.answer({ ...POST, ...once })).toMatchObject({ status: 204 });
    expect(ids).toEqual(['e1']);
    await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1', { source: '/other' })) });
    await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1'), { 'heddle-cycle': 'replay-1' }) });
    await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1'), { 'heddle-test': 'true' }) });
    expect(ids).toEqual(['e1', 'e1', 'e1', 'e1']);
  });

  it('of what failed is handled again', async () => {
    let tries = 0;
    const receiver = receiverOf(() => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
    });
    const request = { ...POST, ...signedRequest(SECRET, trialEvent('e1')) };
    expect([(await receiver.answer(request)).status, (await receiver.answer(request)).status, tries]).toEqual([
      500, 204, 2,
    ]);
  });

  it('that comes while the first is worked on shares its end, good or bad', async () => {
    let fail!: (error: Error) => void;
    let tries = 0;
    const receiver = receiverOf(() => {
      tries += 1;
      return new Promise<void>((_resolve, reject) => (fail = reject));
    });
    const request = { ...POST, ...signedRequest(SECRET, trialEvent('e1')) };
    const answers = [receiver.answer(request), receiver.answer(request)];
    await new Promise((resolve) => setImmediate(resolve));
    fail(new Error('no'));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([500, 500]);
    expect(tries).toBe(1);
  });

  it('of part of a batch is handled for what had failed alone', async () => {
    const { receiver, ids, failing } = counting(['e2']);
    const batch = signedRequest(
      SECRET,
      ['e1', 'e2', 'e3'].map((id) => trialEvent(id)),
    );
    expect(await receiver.answer({ ...POST, ...batch })).toMatchObject({ status: 500 });
    expect(ids).toEqual(['e1', 'e3']);
    failing.clear();
    expect(await receiver.answer({ ...POST, ...batch })).toMatchObject({ status: 204 });
    expect(ids).toEqual(['e1', 'e3', 'e2']);
  });

  it('is known from a store of your own, and forgotten in the order of its coming from the one in memory', async () => {
    const stored = new Set<string>();
    const seen = { has: async (key: string) => stored.has(key), add: async (key: string) => void stored.add(key) };
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const receiver = receiverOf(({ id }) => void ids.push(id), { seen });
      await receiver.answer({ ...POST, ...signedRequest(SECRET, trialEvent('e1')) });
    }
    expect([ids, stored.size]).toEqual([['e1'], 1]);
    const recent = new RecentEvents(2);
    for (const key of ['a', 'b', 'a', 'c']) recent.add(key);
    expect(['a', 'b', 'c'].map((key) => recent.has(key))).toEqual([true, false, true]);
  });
});

describe('consent', () => {
  const asking = { 'webhook-request-origin': 'events.example.com', 'webhook-request-rate': '600' };

  it.each([
    [{ origins: ['Events.Example.com'], ratePerMinute: 120 }, 'events.example.com', '120'],
    [{ origins: ['events.example.com'], ratePerMinute: 1200 }, 'events.example.com', '600'],
    [{ origins: '*' as const }, 'events.example.com', '600'],
  ])('of %j is given in headers, at no more than the rate asked for', async (consent, origin, rate) => {
    const answer = await receiverOf(() => undefined, { consent }).answer({
      method: 'OPTIONS',
      headers: asking,
      body: '',
    });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': rate },
    });
  });

  it('is for any rate where neither side says one', async () => {
    const receiver = receiverOf(() => undefined, { consent: { origins: '*' } });
    const headers = { 'webhook-request-origin': 'events.example.com' };
    expect((await receiver.answer({ method: 'OPTIONS', headers, body: '' })).headers['webhook-allowed-rate']).toBe('*');
  });

  it('is not given to others, nor by receivers that say nothing of it', async () => {
    for (const consent of [undefined, { origins: ['else.example.com'] }, { origins: [] }]) {
      const receiver = receiverOf(() => undefined, consent === undefined ? {} : { consent });
      const answer = await receiver.answer({ method: 'OPTIONS', headers: asking, body: '' });
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('webhook-'))).toEqual([]);
    }
  });

  it('may be given later, where the sender said so', async () => {
    const rates: unknown[] = [];
    const sender = createServer((request, response) => {
      rates.push(request.headers['webhook-allowed-rate']);
      response.writeHead(request.url === '/known' ? 200 : 404).end('{}');
    });
    await new Promise<void>((resolve) => sender.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(sender.address() as AddressInfo).port}`;
    const asked: unknown[] = [];
    const consent = { origins: [], onAsked: (request: unknown) => asked.push(request) };
    const headers = { ...asking, 'webhook-request-callback': `${url}/known` };
    await receiverOf(() => undefined, { consent }).answer({ method: 'OPTIONS', headers, body: '' });
    expect(asked).toEqual([{ origin: 'events.example.com', ratePerMinute: 600, callback: `${url}/known` }]);
    await giveConsent(`${url}/known`, 60);
    await expect(giveConsent(`${url}/unknown`)).rejects.toThrow('404');
    expect(rates).toEqual(['60', undefined]);
    await new Promise((resolve) => sender.close(resolve));
  });
});

function receiverOf(handle: WebhookReceiverOptions['handle'], options: Partial<WebhookReceiverOptions> = {}) {
  return webhookReceiver({ secrets: [SECRET], handle, ...options });
}

function counting(failingIds: string[] = []) {
  const ids: string[] = [];
  const failing = new Set(failingIds);
  const receiver = receiverOf(({ id }) => {
    if (failing.has(id)) throw new Error('not now');
    ids.push(id);
  });
  return { receiver, ids, failing };
}
