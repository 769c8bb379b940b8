import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Log, createLog } from '@heddle/runtime';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Namespaces } from '../../messages/namespaces.js';
import { loopbackNetwork } from '../../network/network-trial.js';
import type { AttemptRecord } from '../../ledger/attempt.js';
import { createGatewayMetrics } from '../../metrics.js';
import type { Lease, Refusal, Released } from '../../queues/lease.js';
import { DispatchedEvent } from '../../represent.js';
import { DeliveryTurns } from './delivery-turns.js';
import { newSecret } from './secrets.js';
import { type ReceiverParts, type ReceiverSource, WebhookReceiver } from './webhook-receiver.js';
import type { WebhookDefinition } from './webhook.js';

const WAIT = { timeout: 10_000 };

/** A queue without order; what is released waits until the test puts it back. */
class Source implements ReceiverSource {
  readonly definition = { tenant: 'local', name: 'orders', uuid: 'uuid-1' };
  ready: Lease[] = [];
  accepted: string[] = [];
  released: { id: string; refusal: Refusal }[] = [];
  /** Only of those that are attempted at most once. */
  rejected: { id: string; refusal: Refusal }[] = [];
  acquired = 0;

  add(...keys: string[]): void {
    for (const key of keys) this.ready.push(leaseOf(key));
  }

  acquire(): Lease | undefined {
    const lease = this.ready.shift();
    if (lease !== undefined) this.acquired += 1;
    return lease;
  }

  accept(lease: Lease): void {
    this.accepted.push(lease.event.stored.attributes.id);
  }

  release(lease: Lease, refusal: Refusal): Released {
    this.released.push({ id: lease.event.stored.attributes.id, refusal });
    return { state: 'waiting', dueAt: 1234 };
  }

  reject(lease: Lease, refusal: Refusal): void {
    this.rejected.push({ id: lease.event.stored.attributes.id, refusal });
  }
}

let records: AttemptRecord[];
let changes: string[];
let parts: ReceiverParts;
let server: Server | undefined;
const receivers: WebhookReceiver[] = [];

beforeEach(() => {
  records = [];
  changes = [];
  parts = {
    turns: new DeliveryTurns(),
    ledger: { attempt: (record) => records.push(record) },
    metrics: createGatewayMetrics(new Registry()),
    log: createLog('test', 'silent') as Log,
    network: loopbackNetwork(),
    namespaces: new Namespaces(),
    onEndpoint: ({ name }, change, reason) => changes.push(`${name} ${change}: ${reason}`),
  };
});

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop(0)));
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
});

async function listen(listener: RequestListener, port = 0): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

function definitionOf(url: string, changed: Partial<WebhookDefinition> = {}): WebhookDefinition {
  return {
    format: 1,
    tenant: 'local',
    name: 'shop',
    queue: 'orders',
    ownsQueue: true,
    version: 1,
    url,
    contentMode: 'structured',
    secrets: [{ secret: newSecret(), createdAt: '2026-01-01T00:00:00.000Z' }],
    headers: {},
    auth: {},
    delivery: { maxInFlight: 64, timeoutMs: 5000 },
    handshake: 'exempt',
    consent: { state: 'exempt' },
    paused: false,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...changed,
  };
}

it('what is to be attempted at most once is rejected when that fails, with the reason and the answer', async () => {
  const url = await listen((_request, response) => response.writeHead(500).end('no'));
  const source = new Source();
  source.add('K1');
  const delivery = { maxInFlight: 64, timeoutMs: 5000, atMostOnce: true };
  const receiver = receive(source, definitionOf(url, { delivery }));
  await vi.waitFor(() => expect(source.rejected).toMatchObject([{ refusal: { answer: 'status 500: no' } }]), WAIT);
  expect([source.released, source.accepted]).toEqual([[], []]);
  expect(records).toMatchObject([{ outcome: 'released', final: 'dead', status: 500 }]);
  expect(receiver.statistics).toMatchObject({ lastFailure: expect.stringContaining('status 500') as string });
  expect(receiver.statistics).not.toHaveProperty('lastSuccessAt');
});

function receive(source: Source, definition: WebhookDefinition): WebhookReceiver {
  const receiver = new WebhookReceiver(definition, source, parts);
  receivers.push(receiver);
  receiver.pump();
  return receiver;
}

function leaseOf(key: string): Lease {
  const attributes = { id: `id-${key}`, source: '/s', type: 'a.b.v1', subject: key };
  const stored = { topic: 't', partition: 0, offset: 7, key, appendedAt: Date.now(), attributes, data: { key } };
  const event = new DispatchedEvent(stored as never, 0, '', 'http://gateway.test');
  return { event, lane: key, attempt: 1, redelivery: 'no', cycle: '' };
}

function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `key-${n}`);
}

describe('a webhook receiver', () => {
  it('accepts what its endpoint takes, each once, and records every attempt', async () => {
    const bodies: string[] = [];
    const url = await listen((request, response) => {
      request.on('data', (bytes: Buffer) => bodies.push((JSON.parse(bytes.toString()) as { id: string }).id));
      request.on('end', () => response.writeHead(204).end());
    });
    const source = new Source();
    source.add(...keysOf(200));
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(source.accepted).toHaveLength(200), WAIT);
    expect(bodies.sort()).toEqual(source.accepted.sort());
    expect(new Set(bodies).size).toBe(200);
    expect(records).toHaveLength(200);
    expect(records[0]).toMatchObject({
      queue: 'orders',
      uuid: 'uuid-1',
      receiver: { kind: 'webhook', name: 'shop' },
      attempt: 1,
      outcome: 'accepted',
      final: 'accepted',
      status: 204,
      request: { template: { method: 'POST', url } },
    });
    expect(records[0]!.request!.headers).toContain('webhook-signature');
    expect(receiver.statistics).toMatchObject({ delivered: 200, inFlight: 0, lastStatus: 'status 204' });
  });

  it('gives back what its endpoint refuses, with the reason, and records that as it was', async () => {
    const url = await listen((_request, response) => response.writeHead(422).end('no such customer'));
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(source.released).toHaveLength(1), WAIT);
    expect(source.released[0]!.refusal).toEqual({ reason: 'status 422', answer: 'status 422: no such customer' });
    expect(records).toMatchObject([
      {
        outcome: 'released',
        error: 'status 422',
        errorClass: 'refused-status',
        excerpt: 'no such customer',
        nextAt: 1234,
      },
    ]);
    expect(records[0]!.final).toBeUndefined();
    expect(receiver.statistics).toMatchObject({ delivered: 0, failedAttempts: 1 });
  });

  it('gives back for later what its name leads to a forbidden address for, and delivers when that has moved', async () => {
    const url = await listen((_request, response) => response.writeHead(204).end());
    let address = '10.0.0.1';
    parts.network = loopbackNetwork({ resolve: async () => [{ address, family: 4 }] });
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(url.replace('127.0.0.1', 'receiver.test')));
    await vi.waitFor(() => expect(source.released).toHaveLength(1), WAIT);
    expect(records).toMatchObject([{ outcome: 'released', errorClass: 'refused-address', nextAt: 1234 }]);
    expect(JSON.stringify(records)).not.toContain(address);
    address = '127.0.0.1';
    source.add('a');
    receiver.pump();
    await vi.waitFor(() => expect(source.accepted).toHaveLength(1), WAIT);
  });

  it('takes nothing more after 410, which is an attempt like any other, until the webhook is changed', async () => {
    let status = 410;
    const url = await listen((_request, response) => response.writeHead(status).end());
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(
      () => expect(changes).toEqual(['shop disabled: status 410: the receiver wants no more events']),
      WAIT,
    );
    expect(source.released[0]!.refusal.countsAttempt).not.toBe(false);
    source.add('b');
    receiver.pump();
    expect(source.acquired).toBe(1);
    status = 204;
    receiver.redefine(definitionOf(url));
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-b']), WAIT);
  });

  it('leaves an endpoint alone that asks for it, as a whole, and uses no attempt meanwhile', async () => {
    let isBusy = true;
    const url = await listen((_request, response) => {
      if (isBusy) response.writeHead(429, { 'retry-after': '1' });
      isBusy = false;
      response.end();
    });
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(source.released).toHaveLength(1), WAIT);
    expect(source.released[0]!.refusal.notBeforeMs).toBe(1000);
    const releasedAt = performance.now();
    source.add('b');
    receiver.pump();
    expect(source.acquired).toBe(1);
    expect(receiver.statistics.pausedUntil).toBeDefined();
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-b']), WAIT);
    expect(performance.now() - releasedAt).toBeGreaterThan(900);
    expect(changes).toEqual([]);
  });

  it('goes on at once at another endpoint, or when it is resumed, whatever pause was asked for', async () => {
    const busy = await listen((_request, response) => response.writeHead(503, { 'retry-after': '3600' }).end());
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(busy));
    await vi.waitFor(() => expect(source.released).toHaveLength(1), WAIT);
    source.add('b');
    receiver.redefine(definitionOf(busy));
    expect(source.acquired).toBe(1);
    receiver.redefine(definitionOf(busy, { paused: true }));
    receiver.redefine(definitionOf(busy));
    await vi.waitFor(() => expect(source.released).toHaveLength(2), WAIT);
    expect(source.acquired).toBe(2);
    server?.close();
    source.add('c');
    receiver.redefine(definitionOf(await listen((_request, response) => response.end())));
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-c']), WAIT);
  });

  it('uses hardly any attempts on a dead endpoint, says so once, and goes on when it is there again', async () => {
    const url = await listen(() => undefined);
    const port = Number(new URL(url).port);
    await new Promise((resolve) => server?.close(resolve));
    const source = new Source();
    source.add(...keysOf(500));
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(changes).toEqual(['shop failing: connect: ECONNREFUSED']), WAIT);
    await vi.waitFor(() => expect(receiver.statistics.inFlight).toBe(0), WAIT);
    expect(source.released.length).toBeLessThan(40);
    expect(receiver.statistics.breaker).not.toBe('closed');
    await listen((_request, response) => response.end(), port);
    await vi.waitFor(() => expect(source.accepted.length + source.released.length).toBe(500), WAIT);
    expect(source.accepted.length).toBeGreaterThan(450);
    expect(changes.slice(1)).toEqual(['shop recovered: status 200']);
  });

  it('joins leases into batches, and what becomes of one becomes of all in it', async () => {
    const sizes: number[] = [];
    const url = await listen((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        sizes.push((JSON.parse(body) as unknown[]).length);
        response.writeHead(sizes.length === 1 ? 500 : 200).end();
      });
    });
    const source = new Source();
    source.add(...keysOf(25));
    const delivery = { maxInFlight: 1, timeoutMs: 5000, batch: { size: 10, waitMs: 50 } };
    receive(source, definitionOf(url, { delivery }));
    await vi.waitFor(() => expect(source.accepted).toHaveLength(15), WAIT);
    expect(sizes).toEqual([10, 10, 5]);
    expect(source.released.map(({ id }) => id)).toEqual(keysOf(10).map((key) => `id-${key}`));
    expect(records).toHaveLength(25);
  });

  it('hands back untouched what waits for a batch when nothing may go any more', async () => {
    const url = await listen((_request, response) => response.end());
    const source = new Source();
    source.add('a', 'b');
    const delivery = { maxInFlight: 1, timeoutMs: 5000, batch: { size: 10, waitMs: 5000 } };
    const receiver = receive(source, definitionOf(url, { delivery }));
    expect(source.acquired).toBe(2);
    receiver.redefine(definitionOf(url, { delivery, paused: true }));
    expect(source.released.map(({ refusal }) => refusal.countsAttempt)).toEqual([false, false]);
    expect(records).toEqual([]);
    source.add('c');
    receiver.pump();
    expect(source.acquired).toBe(2);
    receiver.redefine(definitionOf(url));
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-c']), WAIT);
  });

  it('cuts off what is under way when it stops, after the grace, and that counts, for it was sent', async () => {
    let requests = 0;
    const url = await listen(() => (requests += 1));
    const source = new Source();
    source.add('a', 'b');
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(requests).toBe(2), WAIT);
    await receiver.stop(50);
    expect(source.released.map(({ refusal }) => refusal.countsAttempt)).toEqual([true, true]);
    expect(records.map(({ error }) => error)).toEqual(['cut off by the gateway', 'cut off by the gateway']);
    source.add('c');
    receiver.pump();
    expect(source.acquired).toBe(2);
  });

  it('lets what is under way end when it stops, and waits no longer than that', async () => {
    const answers: (() => void)[] = [];
    const url = await listen((_request, response) => answers.push(() => response.end()));
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(answers).toHaveLength(1), WAIT);
    const stopped = receiver.stop(60_000);
    answers[0]!();
    await stopped;
    expect(source.accepted).toEqual(['id-a']);
  });

  it('goes to the new address after a change, while what is under way ends at the old one', async () => {
    const answers: (() => void)[] = [];
    const before = await listen((_request, response) => answers.push(() => response.end()));
    const old = server!;
    const source = new Source();
    source.add('a');
    const receiver = receive(source, definitionOf(before));
    await vi.waitFor(() => expect(answers).toHaveLength(1), WAIT);
    receiver.redefine(definitionOf(await listen((_request, response) => response.end())));
    source.add('b');
    receiver.pump();
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-b']), WAIT);
    answers[0]!();
    await vi.waitFor(() => expect(source.accepted).toEqual(['id-b', 'id-a']), WAIT);
    await new Promise((resolve) => old.close(resolve));
  });

  it('fails an attempt for want of credentials, of which nothing is sent', async () => {
    let requests = 0;
    const url = await listen((request, response) => {
      if (request.url === '/hook') requests += 1;
      response.writeHead(500).end();
    });
    const source = new Source();
    source.add('a');
    const oauth2 = { tokenUrl: new URL('/token', url).href, clientId: 'c', clientSecret: 's' };
    receive(source, definitionOf(url, { auth: { oauth2 } }));
    await vi.waitFor(() => expect(records).toHaveLength(1), WAIT);
    expect(records[0]).toMatchObject({ errorClass: 'credentials', outcome: 'released' });
    expect(source.released[0]!.refusal.reason).toMatch(/^credentials: No token from /);
    expect(requests).toBe(0);
  });

  it('is not held up by others whose endpoints hang', async () => {
    parts = { ...parts, turns: new DeliveryTurns(64) };
    const source = new Source();
    source.add('the first');
    const url = await listen((request, response) => {
      if (request.url === '/hook') response.end();
    });
    const prompt = receive(source, definitionOf(url));
    await vi.waitFor(() => expect(source.accepted).toHaveLength(1), WAIT);
    const hanging = keysOf(20).map((name) => {
      const theirs = new Source();
      theirs.add(...keysOf(100));
      return receive(theirs, definitionOf(new URL('/hang', url).href, { name }));
    });
    await vi.waitFor(() => expect(parts.turns.inFlight).toBe(32), WAIT);
    source.add(...keysOf(500));
    prompt.pump();
    await vi.waitFor(() => expect(source.accepted).toHaveLength(501), WAIT);
    expect(hanging.reduce((sum, { statistics }) => sum + statistics.inFlight, 0)).toBe(32);
    expect(hanging.every(({ statistics }) => statistics.failedAttempts === 0)).toBe(true);
  });
});
