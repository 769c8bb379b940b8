import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type StoredEvent, slotOf } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import type { EventType } from '@heddle/schema';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryQueue } from '../../queues/delivery-queue.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { MadeRequest } from './request-maker.js';
import { Samples } from './samples.js';
import { publicKeyOf } from './secrets.js';
import { versionCheck } from './version-check.js';
import type { WebhookOperation } from './webhook-ports.js';
import { type WebhookDefinition, rateLimitOf, standstillOf } from './webhook.js';
import { testShape, webhookShape } from './webhook.shape.js';
import { Webhooks } from './webhooks.js';

const TYPE = 'heddle.thing.v1.Thing.Made.v1';
const NO_OUTCOME = {
  sent: true,
  retryAfterMs: 0,
  connectMs: undefined,
  firstByteMs: 1,
  totalMs: 1.23,
};
const VALID = { types: ['heddle.thing.*'], url: 'https://receiver.test/hook' };

describe('the management of webhooks', () => {
  let queues: Map<string, QueueDefinition>;
  /** What is stored, by name. */
  let stored: Map<string, WebhookDefinition>;
  /** What is at work, by name. */
  let working: Map<string, WebhookDefinition>;
  let atWork: Map<string, DeliveryQueue>;
  let operations: WebhookOperation[];
  let sent: MadeRequest[];
  let statuses: number[];
  let isLogAway: boolean;
  let webhooks: Webhooks;

  beforeEach(() => {
    queues = new Map();
    stored = new Map();
    working = new Map();
    operations = [];
    sent = [];
    statuses = [];
    isLogAway = false;
    webhooks = open();
  });

  afterEach(() => webhooks.close());

  it('a new webhook brings a queue, is stored before it works, and shows the secret made for it once', async () => {
    const { created, view, version } = await put('hook', VALID);
    expect([created, version, view.state, view.types]).toEqual([true, 1, 'active', ['heddle.thing.*']]);
    expect(view.secret).toMatch(/^whsec_/);
    expect(stored.get('hook')?.secrets).toMatchObject([{ secret: view.secret }]);
    expect(working.get('hook')).toBe(stored.get('hook'));
    expect(webhooks.get('hook').view).not.toHaveProperty('secret');
    isLogAway = true;
    await expect(put('other', VALID)).rejects.toThrow('away');
    expect([working.has('other'), webhooks.list().length]).toEqual([false, 1]);
  });

  it('a change keeps what it leaves out of secrets, and is refused for another version than was read', async () => {
    const { view } = await put('hook', VALID);
    const changed = await put('hook', { ...VALID, url: 'https://receiver.test/other' }, { 'if-match': '"1"' });
    expect([changed.created, changed.version, changed.view.secrets]).toEqual([false, 2, view.secrets]);
    expect(changed.view).not.toHaveProperty('secret');
    const failed = { code: 'precondition-failed' };
    await expect(put('hook', VALID, { 'if-match': '"1"' })).rejects.toMatchObject(failed);
    await expect(put('hook', VALID, { 'if-none-match': '*' })).rejects.toMatchObject(failed);
    await expect(put('none', VALID, { 'if-match': '*' })).rejects.toMatchObject(failed);
    expect((await put('hook', VALID, { 'if-match': '"7", "2"' })).version).toBe(3);
  });

  it('a webhook may name a queue that is there, and several may name the same', async () => {
    const request = { url: VALID.url, queue: 'shared' };
    await expect(put('a', request)).rejects.toMatchObject({ code: 'not-found', field: 'queue' });
    queues.set('shared', queueOf('shared', false, ['x.*']));
    await expect(put('a', request)).rejects.toMatchObject({ code: 'queue-elsewhere' });
    atWork.set('shared', queueAtWork());
    await put('a', request);
    await put('b', request);
    expect(webhooks.list().map(({ name, queue }) => [name, queue])).toEqual([
      ['a', 'shared'],
      ['b', 'shared'],
    ]);
    expect(stored.get('a')).toMatchObject({ queue: 'shared', ownsQueue: false });
    await webhooks.delete('a');
    expect(queues.has('shared')).toBe(true);
    expect([...working.keys()]).toEqual(['b']);
  });

  it('a webhook does not take over the queue of another, nor one that was there before under its name', async () => {
    await put('hook', VALID);
    await expect(put('thief', { url: VALID.url, queue: 'hook' })).rejects.toMatchObject({ code: 'conflict' });
    queues.set('taken', queueOf('taken', false, ['x.*']));
    await expect(put('taken', VALID)).rejects.toMatchObject({ code: 'conflict' });
    await expect(put('hook', { url: VALID.url, queue: 'taken' })).rejects.toMatchObject({
      code: 'conflict',
      field: 'queue',
    });
  });

  it('a deleted webhook takes the queue it brought along', async () => {
    await put('hook', VALID);
    await webhooks.delete('hook');
    expect([stored.size, working.size, queues.size]).toEqual([0, 0, 0]);
    expect(() => webhooks.get('hook')).toThrow(expect.objectContaining({ code: 'not-found' }));
    await expect(webhooks.delete('hook')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('pause and resume change nothing else, and resume puts a disabled webhook back to work', async () => {
    await put('hook', VALID);
    expect((await webhooks.pause('hook')).view.state).toBe('paused');
    expect(standstillOf(working.get('hook')!)).toBe('paused');
    expect((await put('hook', VALID)).view.state).toBe('paused');
    await webhooks.disable('hook', 'status 410');
    await webhooks.disable('hook', 'status 410 again');
    expect(webhooks.get('hook').view).toMatchObject({ state: 'disabled', disabled: { reason: 'status 410' } });
    const { view } = await webhooks.resume('hook');
    expect([view.state, view.paused, view.disabled]).toEqual(['active', false, undefined]);
    expect(stored.get('hook')).toEqual(working.get('hook'));
    expect(operations.map(({ event }) => event)).toEqual([
      'webhook-created',
      'webhook-paused',
      'webhook-changed',
      'webhook-disabled',
      'webhook-resumed',
    ]);
  });

  it('rotation shows the new secret once, and both sign until the old one expires', async () => {
    const { view: first } = await put('hook', VALID);
    const { view, version } = await webhooks.rotate('hook', { kind: 'v1', overlapSeconds: 3600 });
    expect(version).toBe(2);
    expect(view.secret).not.toBe(first.secret);
    expect(view.secrets.map(({ expiresAt }) => expiresAt === undefined)).toEqual([true, false]);
    await webhooks.test('hook', { type: TYPE });
    for (const secret of [first.secret!, view.secret!]) {
      expect(new Webhook(secret).verify(sent[0]!.body, headersOf(sent[0]!))).toHaveProperty('id');
    }
    expect(JSON.stringify(webhooks.get('hook').view)).not.toContain(view.secret!.slice(6, 20));
  });

  it('a rotation to v1a shows the public key with which the receiver verifies', async () => {
    await put('hook', VALID);
    const { view } = await webhooks.rotate('hook', { kind: 'v1a', overlapSeconds: 0 });
    expect(view.secret).toMatch(/^whsk_/);
    expect(view.secrets.map(({ kind }) => kind)).toEqual(['v1a', 'v1']);
    expect(view.secrets[0]?.publicKey).toBe(publicKeyOf(view.secret!));
  });

  it('credentials are never shown again, and come back masked to stay as they are', async () => {
    const auth = { oauth2: { tokenUrl: 'https://id.test/token', clientId: 'me', clientSecret: 'secret-of-mine-123' } };
    const headers = { 'X-Team': 'sales', 'X-Token': 'a-token-that-is-long' };
    await put('hook', { ...VALID, auth, headers });
    const { view } = webhooks.get('hook');
    expect(JSON.stringify(view)).not.toMatch(/secret-of|a-token/);
    expect(view.auth).toMatchObject({ oauth2: { clientId: 'me', clientSecret: '•••-123' } });
    const secrets = view.secrets.map(({ secret }) => ({ secret }));
    const before = stored.get('hook')!;
    await put('hook', { ...VALID, url: 'https://receiver.test/2', auth: view.auth, headers: view.headers, secrets });
    const { auth: kept, headers: keptHeaders, secrets: keptSecrets } = stored.get('hook')!;
    expect([kept, keptHeaders, keptSecrets]).toEqual([before.auth, before.headers, before.secrets]);
    const other = { oauth2: { ...auth.oauth2, clientSecret: '•••-999' } };
    await expect(put('hook', { ...VALID, auth: other })).rejects.toMatchObject({
      code: 'data-invalid',
      field: 'auth.oauth2.clientSecret',
    });
  });

  it('a test sends an example of a wanted type now, signed, marked, and past every queue', async () => {
    statuses = [503];
    const { view } = await put('hook', VALID);
    await webhooks.pause('hook');
    const tested = await webhooks.test('hook', {});
    expect(headersOf(sent[0]!)).toMatchObject({ 'heddle-test': 'true', 'heddle-attempt': '1' });
    expect(new Webhook(view.secret!).verify(sent[0]!.body, headersOf(sent[0]!))).toMatchObject({
      type: TYPE,
      subject: 'T1',
      data: { Thing: 'T1' },
    });
    expect(tested).toMatchObject({
      event: { type: TYPE, isSample: true },
      attempt: { delivered: false, status: 503, excerpt: 'busy', phases: { totalMs: 1.2 } },
    });
    expect(tested.request.headers).toContain('webhook-signature');
  });

  it('a test sends a stored event as it is, and says when there is none', async () => {
    await put('hook', VALID);
    expect((await webhooks.test('hook', { id: 'e1' })).event).toEqual({ id: 'e1', type: TYPE, isSample: false });
    await expect(webhooks.test('hook', { id: 'e2' })).rejects.toMatchObject({ code: 'not-found', field: 'id' });
    await put('picky', { ...VALID, types: ['other.*'] });
    await expect(webhooks.test('picky', {})).rejects.toMatchObject({ code: 'conflict', field: 'type' });
    expect(testShape.safeParse(undefined).data).toEqual({});
    expect(testShape.safeParse({ id: 'a', type: 'b' }).success).toBe(false);
  });

  it('a webhook of another instance is listed, and nothing else is done to it here', async () => {
    await put('hook', VALID);
    webhooks.onLost(slotOf('local', 'hook'));
    atWork.clear();
    expect(working.size).toBe(0);
    expect(webhooks.list().map(({ name }) => name)).toEqual(['hook']);
    const elsewhere = expect.objectContaining({ code: 'queue-elsewhere', retryable: true });
    expect(() => webhooks.get('hook')).toThrow(elsewhere);
    for (const change of [put('hook', VALID), webhooks.delete('hook'), webhooks.pause('hook')]) {
      await expect(change).rejects.toEqual(elsewhere);
    }
    takeOver(stored.get('hook')!);
    expect(webhooks.get('hook').view.state).toBe('active');
    expect(working.has('hook')).toBe(true);
  });

  describe('with a handshake', () => {
    let server: Server;
    let url: string;
    let options: IncomingHttpHeaders[];
    let consent: Record<string, string>;

    beforeEach(async () => {
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
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    it('nothing is delivered before consent, and no faster than it says', async () => {
      consent = { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '90' };
      const { view } = await put('hook', request());
      expect([view.state, view.handshake.state]).toEqual(['no-consent', 'asking']);
      await expect(webhooks.test('hook', {})).rejects.toMatchObject({ code: 'conflict' });
      await state('granted');
      expect(rateLimitOf(working.get('hook')!)).toBe(1.5);
      expect(
        rateLimitOf({ ...working.get('hook')!, delivery: { ...stored.get('hook')!.delivery, ratePerSecond: 1 } }),
      ).toBe(1);
      expect(webhooks.get('hook')).toMatchObject({ version: 1, view: { state: 'active' } });
      await webhooks.test('hook', {});
      expect(headersOf(sent[0]!)['webhook-request-origin']).toBe('events.example.com');
    });

    it('late consent comes by the callback, once asked without an answer, and by nobody who does not know it', async () => {
      await put('hook', request());
      await state('pending');
      const token = tokenOf(options[0]!);
      await expect(
        webhooks.consent(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, undefined),
      ).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(webhooks.consent(token, 'none')).rejects.toMatchObject({ code: 'parameter-invalid' });
      expect(webhooks.get('hook').view.state).toBe('no-consent');
      expect(await webhooks.consent(token, '30')).toEqual({ webhook: 'hook', state: 'granted' });
      expect(webhooks.get('hook').view).toMatchObject({ state: 'active', handshake: { ratePerMinute: 30 } });
      expect(stored.get('hook')?.consent.state).toBe('granted');
    });

    it('a refusal is final until somebody resumes the webhook', async () => {
      consent = { 'webhook-allowed-origin': 'else.example.com' };
      await put('hook', request());
      await state('refused');
      consent = { 'webhook-allowed-origin': '*' };
      await webhooks.resume('hook');
      await state('granted');
      expect(options).toHaveLength(2);
      expect(tokenOf(options[0]!)).not.toBe(tokenOf(options[1]!));
    });

    it('another URL is asked anew, and other changes are not', async () => {
      consent = { 'webhook-allowed-origin': '*' };
      await put('hook', request());
      await state('granted');
      await put('hook', { ...request(), contentMode: 'binary' });
      expect(webhooks.get('hook').view.handshake.state).toBe('granted');
      consent = {};
      await put('hook', { ...request(), url: `${url}elsewhere` });
      await state('pending');
      await expect(webhooks.consent(tokenOf(options[0]!), '*')).rejects.toMatchObject({ code: 'not-found' });
      expect(options).toHaveLength(2);
    });

    it('whoever takes over asks again where nobody was reached, and waits where consent may still come', async () => {
      server.closeAllConnections();
      await put('hook', { ...request(), url: 'http://127.0.0.1:1/' });
      await vi.waitFor(() => expect(webhooks.get('hook').view.handshake.reason).toBe('ECONNREFUSED'), {
        timeout: 10_000,
      });
      webhooks.close();
      consent = {};
      webhooks = open();
      takeOver({ ...stored.get('hook')!, url });
      await state('pending');
      webhooks.close();
      webhooks = open();
      takeOver(stored.get('hook')!);
      await webhooks.consent(tokenOf(options[0]!), undefined);
      expect(options).toHaveLength(1);
      expect(webhooks.get('hook').view.state).toBe('active');
    });

    it('consent that does not come in time has expired', async () => {
      await put('hook', request());
      await state('pending');
      const late = stored.get('hook')!;
      if (late.consent.state !== 'pending') throw new Error('it waits');
      webhooks.close();
      webhooks = open();
      takeOver({ ...late, consent: { ...late.consent, since: '2020-01-01T00:00:00.000Z' } });
      await state('expired');
      await expect(webhooks.consent(tokenOf(options[0]!), '*')).rejects.toMatchObject({ code: 'not-found' });
    });

    function request() {
      return { ...VALID, url, handshake: { origin: 'events.example.com', ratePerMinute: 600 } };
    }

    async function state(wanted: string): Promise<void> {
      await vi.waitFor(() => expect(webhooks.get('hook').view.handshake.state).toBe(wanted), { timeout: 10_000 });
    }

    function tokenOf(headers: IncomingHttpHeaders): string {
      const callback = String(headers['webhook-request-callback']);
      expect(callback).toMatch(/^http:\/\/gateway\.test\/v1\/webhooks\/handshake\/local\.hook\./);
      return callback.split('/').at(-1)!;
    }
  });

  function put(name: string, body: object, conditions: Record<string, string> = {}) {
    return webhooks.put(name, webhookShape.parse(body), versionCheck(conditions));
  }

  /** As an instance does that is given the slot of a webhook which another one stored. */
  function takeOver(webhook: WebhookDefinition): void {
    stored.set(webhook.name, webhook);
    atWork.set(webhook.queue, queueAtWork());
    webhooks.onTaken({ slot: slotOf(webhook.tenant, webhook.queue) });
  }

  function open(): Webhooks {
    atWork = new Map();
    const entry = { type: TYPE, topic: 'thing', object: 'thing', key: 'Thing', schemaId: 1, example: { Thing: 'T1' } };
    const samples = new Samples(
      { list: () => [entry as EventType], find: async () => entry as EventType },
      async (id) => (id === 'e1' ? storedEvent(id) : undefined),
    );
    return new Webhooks({
      store: {
        putQueue: async (queue, webhook) => {
          if (isLogAway) throw new Error('the log is away');
          queues.set(queue.name, queue);
          if (webhook !== undefined) stored.set(webhook.name, webhook);
        },
        putWebhook: async (webhook) => void stored.set(webhook.name, webhook),
        deleteQueue: async (queue, gone = []) => {
          queues.delete(queue.name);
          for (const { name } of gone) stored.delete(name);
        },
        deleteWebhook: async ({ name }) => void stored.delete(name),
      },
      directory: {
        webhook: (_tenant, name) => stored.get(name),
        webhooks: () => [...stored.values()],
        caughtUp: async () => undefined,
        inSlot: (slot) => ({
          queues: [],
          webhooks: [...stored.values()].filter(({ tenant, queue }) => slotOf(tenant, queue) === slot),
          replays: [],
        }),
      },
      queues: {
        find: (name) => queues.get(name),
        atWork: (name) => atWork.get(name),
        begin: (queue) => {
          atWork.set(queue.name, queueAtWork());
          return atWork.get(queue.name)!;
        },
        redefine: () => undefined,
        drop: (name) => void atWork.delete(name),
        defineOwn: async (name, settings, before) => ({
          ...(before ?? queueOf(name, true, [])),
          types: settings.types ?? [],
        }),
      },
      receivers: {
        apply: (webhook) => void working.set(webhook.name, webhook),
        remove: async ({ name }) => void working.delete(name),
        statistics: () => undefined,
        attempt: async (_webhook, request) => {
          sent.push(request);
          const status = statuses.shift() ?? 204;
          return { ...NO_OUTCOME, status, ...(status < 300 ? {} : { excerpt: 'busy' }) };
        },
      },
      samples,
      onOperation: (operation) => operations.push(operation),
      baseUrl: 'http://gateway.test',
      log: createLog('test', 'silent'),
    });
  }
});

/** Nothing looks into it here. */
function queueAtWork(): DeliveryQueue {
  return {} as DeliveryQueue;
}

function queueOf(name: string, implicit: boolean, types: string[]): QueueDefinition {
  return { name, implicit, types } as QueueDefinition;
}

function storedEvent(id: string): StoredEvent {
  const attributes = { id, source: '/thing', type: TYPE, subject: 'T1' };
  return {
    topic: 'thing',
    partition: 0,
    offset: 3,
    key: 'T1',
    appendedAt: 0,
    value: new Uint8Array(0),
    data: {},
    attributes,
  };
}

function headersOf({ headers }: MadeRequest): Record<string, string> {
  return Object.fromEntries(
    headers.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), headers[at + 1] ?? '']] : [])),
  ) as Record<string, string>;
}
