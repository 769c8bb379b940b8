import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ClientTokens,
  type CloudEvent,
  type EventStream,
  type Opened,
  type StreamOptions,
  WebhookAnswer,
  connectQueue,
  httpReceiver,
  openStream,
  pullQueue,
  reject,
  release,
  requestTicket,
  webhookReceiver,
} from '@heddle/client';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../../apps/gateway/src/gateway-trial.js';
import { callerFor } from '../../../apps/gateway/src/identity/identity-trial.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { contractEvent } from '../support/publishing.js';

const SOON = { timeout: 10_000 };
const RETRY = { firstMs: 20, factor: 1, jitter: 0, attempts: 3 };
const ADMIN = callerFor();

let trial: GatewayTrial;
let count = 0;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

describe('a worker that pulls', () => {
  it('handles every event, many settled in a request, and says of each what became of it', async () => {
    const queue = await newQueue();
    const seen: string[] = [];
    const settled: string[] = [];
    const worker = pullQueue({
      ...gateway(),
      queue,
      waitMs: 500,
      handle: ({ subject }, { attempt }) => {
        seen.push(`${subject} ${attempt}`);
        if (subject === 'released' && attempt === 1) return release();
        return subject === 'rejected' ? reject('no such contract') : undefined;
      },
      onSettled: ({ subject }, _delivery, { state }) => settled.push(`${subject} ${state}`),
    });
    const keys = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    await publish([...keys, 'released', 'rejected']);
    await vi.waitFor(() => expect(settled).toHaveLength(203), SOON);
    expect(settled).toEqual(expect.arrayContaining(['released released', 'released accepted', 'rejected rejected']));
    expect(seen.filter((line) => line.startsWith('many-'))).toHaveLength(200);
    expect(await worker.close()).toEqual({ reason: 'closed' });
    expect((await read(queue)).statistics).toMatchObject({ leased: 0, ready: 0, dead: 1 });
  });

  it('keeps the order of each key, renews what takes long, and ends once it is done with', async () => {
    const queue = await newQueue();
    const seen: string[] = [];
    const worker = pullQueue({
      ...gateway(),
      queue,
      waitMs: 500,
      leaseMs: 1000,
      handle: async ({ subject, id }, { attempt }) => {
        seen.push(`${id} ${attempt}`);
        if (subject === 'slow') await new Promise((resolve) => setTimeout(resolve, 2000));
      },
    });
    const events = await publish(['slow', 'quick', 'slow', 'quick']);
    await vi.waitFor(() => expect(seen).toHaveLength(4), SOON);
    await worker.close();
    expect(seen.filter((line) => line.endsWith(' 1'))).toHaveLength(4);
    for (const key of ['slow', 'quick']) {
      const ids = events.filter(({ subject }) => subject === key).map(({ id }) => `${id} 1`);
      expect(seen.filter((line) => ids.includes(line))).toEqual(ids);
    }
    expect((await read(queue)).statistics).toMatchObject({ leased: 0, ready: 0 });
  });

  it('tries again what fails on the way, when the gateway says or else less often each time', async () => {
    const queue = await newQueue();
    const [event] = await publish(['C-1']);
    const troubles: number[] = [];
    const handled: string[] = [];
    const answers: (() => Response)[] = [
      () => new Response('{}', { status: 503, headers: { 'retry-after': '1' } }),
      () => Response.json({ code: 'rate-limited', retryable: true }, { status: 429 }),
      () => {
        throw new TypeError('fetch failed');
      },
    ];
    const worker = pullQueue({
      ...gateway(),
      queue,
      waitMs: 100,
      retryMs: 20,
      fetch: async (...wish) => answers.shift()?.() ?? fetch(...wish),
      handle: ({ id }) => void handled.push(id),
      onTrouble: (_error, retryInMs) => troubles.push(retryInMs),
    });
    await vi.waitFor(() => expect(handled).toEqual([event!.id]), SOON);
    await worker.close();
    expect(troubles).toHaveLength(3);
    expect(troubles[0]).toBeGreaterThanOrEqual(1000);
    expect(troubles[1]).toBeLessThan(500);
  });
});

describe('what is refused for good', () => {
  it.each([
    ['a token that nobody knows', () => ({ ...gateway(), token: 'trial.x.token' }), 'refused-queue', 'token-invalid'],
    ['a queue that is not there', gateway, 'refused-queue', 'not-found'],
    [
      'a client that may not',
      () => ({ ...gateway(), token: tokenOf(['publish:type:*']) }),
      'refused-queue',
      'permission-missing',
    ],
  ])('%s ends a connection and a worker, with the reason', async (_what, options, queue, code) => {
    const connection = connectQueue({ ...options(), queue, handle: () => undefined, retryMs: 10 });
    expect(await connection.closed).toMatchObject({ reason: 'refused', error: { code } });
    await expect(connection.ready).rejects.toMatchObject({ code });
    const worker = pullQueue({ ...options(), queue, handle: () => undefined, retryMs: 10 });
    expect(await worker.closed).toMatchObject({ reason: 'refused', error: { code } });
    expect(await worker.close()).toMatchObject({ reason: 'refused' });
  });

  it.each(['sse', 'websocket'] as const)('a stream that may not be had ends, over %s', async (transport) => {
    const refused = { ...gateway(), transport, retryMs: 10, onEvent: () => undefined };
    const stream = openStream({ ...refused, token: tokenOf(['publish:type:*']) });
    expect(await stream.closed).toMatchObject({ reason: 'refused', error: { code: 'permission-missing' } });
    const wrong = openStream({ ...refused, resume: 'h1~contract' });
    expect(await wrong.closed).toMatchObject({
      reason: 'refused',
      error: { code: 'parameter-invalid', field: 'resume' },
    });
  });
});

describe('a stream', () => {
  /** A page's WebSocket says where the page is from, which none of Node's does by itself. */
  class PageSocket extends WebSocket {
    constructor(url: string, protocol: string, options: object) {
      super(url, protocol, { ...options, headers: { origin: 'http://localhost:3000' } });
    }
  }

  /** The page's own server is a client; tickets are for those only. */
  let page: ClientTokens;

  beforeAll(async () => {
    const { json } = await trial.ask(ADMIN, 'PUT', '/v1/clients/page', { permissions: ['consume:type:*'] });
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    page = new ClientTokens({ tokenUrl: `${trial.url}/oauth/token`, clientId, clientSecret });
  });

  const ways: [name: string, how: () => Partial<StreamOptions>][] = [
    ['server-sent events', () => ({ token: tokenOf(['*']) })],
    ['WebSocket under a token', () => ({ token: tokenOf(['*']), transport: 'websocket' })],
    ['WebSocket of the package ws', () => ({ token: tokenOf(['*']), transport: 'websocket', webSocket: WebSocket })],
    [
      'WebSocket with tickets',
      () => ({ ticket: () => requestTicket({ url: trial.url, token: page }), webSocket: PageSocket }),
    ],
  ];

  it.each(ways)('over %s says where it begins, and goes on after a cut exactly where it was', async (_name, how) => {
    const opened: Opened[] = [];
    const { stream, ids } = listening({ ...how(), onOpened: (where) => opened.push(where) });
    await vi.waitFor(() => expect(opened).toHaveLength(1), SOON);
    expect(opened[0]).toMatchObject({ resumed: 'live', gaps: [] });
    const before = await publish(['S-1', 'S-2']);
    await vi.waitFor(() => expect(ids()).toHaveLength(2), SOON);
    const { resumeToken } = stream;
    expect(await stream.close()).toEqual({ reason: 'closed' });
    const missed = await publish(['S-1', 'S-2', 'S-3']);
    const again = listening({ ...how(), resume: resumeToken!, onOpened: (where) => opened.push(where) });
    await vi.waitFor(() => expect(again.ids()).toHaveLength(3), SOON);
    const live = await publish(['S-1']);
    await vi.waitFor(() => expect(again.ids()).toHaveLength(4), SOON);
    expect([...ids(), ...again.ids()].toSorted()).toEqual(
      [...before, ...missed, ...live].map(({ id }) => id).toSorted(),
    );
    expect(opened[1]).toMatchObject({ resumed: 'exact', gaps: [] });
    await again.stream.close();
  });

  it('that is ended by the gateway comes back by itself', async () => {
    const disconnected: string[] = [];
    let openings = 0;
    const { stream, ids } = listening({
      token: tokenOf(['*']),
      retryMs: 20,
      onOpened: () => (openings += 1),
      onDisconnected: ({ reason }) => disconnected.push(reason),
    });
    await vi.waitFor(() => expect(openings).toBe(1), SOON);
    trial.gateway.streams.close();
    await vi.waitFor(() => expect(openings).toBe(2), SOON);
    await publish(['S-1']);
    await vi.waitFor(() => expect(ids()).toHaveLength(1), SOON);
    expect(disconnected).toEqual(['ended']);
    await stream.close();
  });

  it('that says nothing for too long is made anew', async () => {
    let openings = 0;
    const options = { token: tokenOf(['*']), retryMs: 20, idleMs: 200, onOpened: () => (openings += 1) };
    const streams = [listening(options), listening({ ...options, transport: 'websocket' })];
    await vi.waitFor(() => expect(openings).toBeGreaterThanOrEqual(4), SOON);
    for (const { stream } of streams) await stream.close();
  });

  it('over WebSocket gives up a connection whose events are not taken, and has them all, once and in order, in the end', async () => {
    const ids: string[] = [];
    const ends: string[] = [];
    const gate = Promise.withResolvers<void>();
    const stream = openStream({
      ...gateway(),
      transport: 'websocket',
      types: [CONTRACT_SIGNED],
      retryMs: 20,
      onDisconnected: ({ reason }) => ends.push(reason),
      onEvent: async ({ id }) => {
        await gate.promise;
        ids.push(id);
      },
    });
    await vi.waitFor(() => expect(stream.resumeToken).toBeDefined(), SOON);
    const events: { id: string }[] = [];
    for (let n = 0; n < 15; n += 1) events.push(...(await publish(Array<string>(100).fill('W'))));
    gate.resolve();
    await vi.waitFor(() => expect(ids).toHaveLength(1500), SOON);
    expect(ids).toEqual(events.map(({ id }) => id));
    expect(ends).toContain('full');
    await stream.close();
  });

  it('waits for who takes its events, and resumes after the last that was taken when one was not', async () => {
    const taken: string[] = [];
    let here = 0;
    const options = { ...gateway(), types: [CONTRACT_SIGNED] };
    const stream = openStream({
      ...options,
      onEvent: async ({ id }) => {
        expect((here += 1)).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        here -= 1;
        if (taken.length === 2) throw new Error('no');
        taken.push(id);
      },
    });
    await vi.waitFor(() => expect(stream.resumeToken).toBeDefined(), SOON);
    const events = await publish(['W', 'W', 'W', 'W']);
    expect(await stream.closed).toMatchObject({ reason: 'failed', error: { message: 'no' } });
    expect(taken).toEqual(events.slice(0, 2).map(({ id }) => id));
    const again = listening({ token: tokenOf(['*']), resume: stream.resumeToken! });
    await vi.waitFor(() => expect(again.ids()).toEqual(events.slice(2).map(({ id }) => id)), SOON);
    await again.stream.close();
  });
});

describe('a receiver of webhooks', () => {
  it('gives its consent, takes what is signed in every mode, and has no more when it wants no more', async () => {
    const events: CloudEvent[] = [];
    const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const receiver = webhookReceiver({
      secrets: [secret],
      consent: { origins: ['events.example.com'], ratePerMinute: 60_000 },
      handle: (event) => {
        if (event.subject === 'last') throw WebhookAnswer.noMore();
        events.push(event);
      },
    });
    const server = createServer(httpReceiver(receiver));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const wish = {
      url,
      types: [CONTRACT_SIGNED],
      retry: RETRY,
      secrets: [{ secret }],
      handshake: { origin: 'events.example.com', ratePerMinute: 600 },
    };
    const hooks = {
      structured: { ...wish, contentMode: 'structured' },
      binary: { ...wish, contentMode: 'binary' },
      batch: { ...wish, delivery: { batch: { size: 10, waitMs: 10 } } },
    };
    for (const [name, hook] of Object.entries(hooks)) {
      const events = [`${name}-1`, `${name}-2`];
      expect((await trial.ask(ADMIN, 'PUT', `/v1/webhooks/${name}`, hook)).status).toBe(201);
      const consented = async (): Promise<void> => {
        const { json } = await trial.ask(ADMIN, 'GET', `/v1/webhooks/${name}`);
        expect(json).toMatchObject({ state: 'active', handshake: { state: 'granted', ratePerMinute: 600 } });
      };
      await vi.waitFor(consented, SOON);
      await publish(events);
      if (name === 'batch') break;
      await vi.waitFor(() => arrived(events), SOON);
      await trial.ask(ADMIN, 'DELETE', `/v1/webhooks/${name}`);
    }
    await vi.waitFor(
      () => arrived(['structured-1', 'structured-2', 'binary-1', 'binary-2', 'batch-1', 'batch-2']),
      SOON,
    );
    await publish(['last']);
    const disabled = async (): Promise<void> => {
      const { json } = await trial.ask(ADMIN, 'GET', '/v1/webhooks/batch');
      expect(json).toMatchObject({ state: 'disabled' });
    };
    await vi.waitFor(disabled, SOON);
    await trial.ask(ADMIN, 'DELETE', '/v1/webhooks/batch');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));

    function arrived(subjects: string[]): void {
      const own = events.filter(({ subject = '' }) => subjects.includes(subject));
      expect(own.map(({ subject }) => subject).toSorted()).toEqual(subjects.toSorted());
      for (const { data, subject } of own) expect(data).toMatchObject({ Contract: subject });
    }
  });
});

function gateway(): { url: string; token: string } {
  return { url: trial.url, token: tokenOf(['*']) };
}

function tokenOf(permissions: string[]): string {
  return trial.guard.tokenFor(callerFor('local', permissions));
}

async function newQueue(): Promise<string> {
  const name = `client-${(count += 1)}`;
  const { status } = await trial.ask(ADMIN, 'PUT', `/v1/queues/${name}`, { types: [CONTRACT_SIGNED], retry: RETRY });
  expect(status).toBe(201);
  return name;
}

async function read(queue: string): Promise<{ statistics: object }> {
  return (await trial.ask(ADMIN, 'GET', `/v1/queues/${queue}`)).json as never;
}

async function publish(keys: readonly string[]): Promise<{ id: string; subject: string }[]> {
  const events = keys.map((subject) => contractEvent(subject, { subject }));
  const headers = { 'content-type': 'application/cloudevents-batch+json' };
  const answer = await trial.ask(ADMIN, 'POST', '/v1/events', events, headers);
  expect(answer.status, answer.text).toBe(202);
  return events as never;
}

/** A stream of the contracts, and the ids of what came. */
function listening(options: Partial<StreamOptions>): { stream: EventStream; ids(): string[] } {
  const ids: string[] = [];
  const onEvent = ({ id }: CloudEvent): void => void ids.push(id);
  const stream = openStream({ url: trial.url, types: [CONTRACT_SIGNED], onEvent, ...options });
  return { stream, ids: () => ids };
}
