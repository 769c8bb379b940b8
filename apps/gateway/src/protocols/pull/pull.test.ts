import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLog } from '@heddle/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, guardRoutes } from '@heddle/auth';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import { ADMIN, TYPE, TrialQueues } from '../../queues/queues-trial.js';
import { queueShape } from '../../queues/queue.shape.js';
import type { Doors, OpenProtocol } from '../protocol.js';
import { pull } from './pull.protocol.js';

const SOON = { timeout: 10_000 };

interface Delivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: string;
  event: { id: string; type: string; data: unknown };
}

describe('pulling over HTTP', () => {
  let trial: TrialQueues;
  let server: FastifyInstance;
  let open: OpenProtocol;
  let guard: TrialGuard;
  let caller: Caller;

  beforeEach(async () => {
    trial = new TrialQueues();
    await trial.start();
    await trial.queues.put(ADMIN, 'q', queueShape.parse({ types: [TYPE], retry: { firstMs: 1 } }));
    server = Fastify();
    guard = new TrialGuard();
    guardRoutes(server, guard);
    caller = callerFor();
    open = pull.open({ server, queues: trial.queues, log: createLog('test', 'silent') } as unknown as Doors);
    await server.ready();
  });

  afterEach(async () => {
    await open.close();
    trial.queues.stop();
    await server.close();
  });

  async function post(path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
    const answer = await server.inject({
      method: 'POST',
      url: `/v1/queues/${path}`,
      headers: { authorization: guard.bearerFor(caller), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, json: answer.json() };
  }

  async function receive(body?: unknown): Promise<Delivery[]> {
    const { status, json } = await post('q/receive', body);
    expect(status).toBe(200);
    return json.deliveries as Delivery[];
  }

  async function settle(settlements: unknown): Promise<{ state?: string; code?: string }[]> {
    const { status, json } = await post('q/settle', { settlements });
    expect(status).toBe(200);
    return json.results as { state?: string; code?: string }[];
  }

  function waiting(): number {
    return trial.queues.open('local', 'q').book.counts.waiting;
  }

  it('leases one delivery unless more are asked for, each with its lease, attempt and event', async () => {
    await trial.publish(3);
    const [first, ...more] = await receive();
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      attempt: 1,
      redelivery: 'no',
      event: { specversion: '1.0', type: TYPE, source: '/test', data: { Contract: expect.any(String) as string } },
    });
    expect(Date.parse(first!.expiresAt)).toBeGreaterThan(Date.now() + 25_000);
    expect(await receive({ max: 1000, leaseMs: 1000 })).toHaveLength(2);
    expect(await receive({ max: 1000 })).toEqual([]);
  });

  it('settles each by itself and answers each in its place', async () => {
    await trial.publish(4);
    const [a, b, c, d] = await receive({ max: 4 });
    const results = await settle([
      { lease: a!.lease, action: 'accept' },
      { lease: b!.lease, action: 'release', delayMs: 60_000, reason: 'busy' },
      { lease: 'no "such" lease', action: 'accept' },
      { lease: c!.lease, action: 'reject', reason: 'no such customer' },
      { lease: d!.lease, action: 'renew', leaseMs: 60_000 },
      { lease: a!.lease, action: 'reject' },
    ]);
    expect(results).toEqual([
      { lease: a!.lease, state: 'accepted' },
      { lease: b!.lease, state: 'released', dueAt: expect.stringMatching(/Z$/) as string },
      { lease: 'no "such" lease', code: 'lease-unknown' },
      { lease: c!.lease, state: 'rejected' },
      { lease: d!.lease, state: 'renewed', expiresAt: expect.stringMatching(/Z$/) as string },
      { lease: a!.lease, code: 'lease-settled' },
    ]);
    expect(trial.queues.get(ADMIN, 'q').statistics).toMatchObject({ leased: 1, waiting: 1, dead: 1 });
  });

  it('answers the last release of an event as dead, with the reason', async () => {
    await trial.publish(1);
    for (const state of ['released', 'released', 'dead']) {
      const [delivery] = await receive({ waitMs: 10_000 });
      expect(await settle([{ lease: delivery!.lease, action: 'release', delayMs: 0 }])).toMatchObject([{ state }]);
    }
  });

  it('answers a settle only when it is durable', async () => {
    await trial.publish(1);
    const [delivery] = await receive();
    const durable = Promise.withResolvers<void>();
    trial.durable = durable.promise;
    let isAnswered = false;
    const answer = settle([{ lease: delivery!.lease, action: 'accept' }]).finally(() => (isAnswered = true));
    await vi.waitFor(() => expect(trial.queues.get(ADMIN, 'q').statistics?.leased).toBe(0), SOON);
    expect(isAnswered).toBe(false);
    durable.resolve();
    expect(await answer).toMatchObject([{ state: 'accepted' }]);
  });

  it('says so when what was settled could not be made durable', async () => {
    await trial.publish(1);
    const [delivery] = await receive();
    trial.durable = Promise.reject(new Error('broken'));
    trial.durable.catch(() => undefined);
    const { status, json } = await post('q/settle', { settlements: [{ lease: delivery!.lease, action: 'accept' }] });
    expect([status, json.code]).toEqual([500, 'internal']);
  });

  it('waits for the first delivery as long as asked for, and not when there is one', async () => {
    expect(await receive({ waitMs: 30 })).toEqual([]);
    const answer = receive({ max: 10, waitMs: 20_000 });
    await vi.waitFor(() => expect(waiting()).toBe(1), SOON);
    await trial.publish(2);
    expect((await answer).length).toBeGreaterThan(0);
  });

  it('serves those who wait in the order they came', async () => {
    const answers = [receive({ waitMs: 20_000 })];
    await vi.waitFor(() => expect(waiting()).toBe(1), SOON);
    answers.push(receive({ waitMs: 20_000 }));
    await vi.waitFor(() => expect(waiting()).toBe(2), SOON);
    await trial.publish(1);
    expect((await answers[0])![0]?.event.id).toBe('e1');
    await trial.publish(1, 2);
    expect((await answers[1])![0]?.event.id).toBe('e2');
  });

  it('a lease that runs out comes again, counted and marked; settling the old one is answered with its code', async () => {
    await trial.publish(1);
    const [first] = await receive({ leaseMs: 1000 });
    const [second] = await receive({ waitMs: 10_000 });
    expect(second).toMatchObject({ attempt: 2, redelivery: 'yes', event: { id: first!.event.id } });
    expect(await settle([{ lease: first!.lease, action: 'accept' }])).toMatchObject([{ code: 'lease-expired' }]);
    expect(await settle([{ lease: second!.lease, action: 'accept' }])).toMatchObject([{ state: 'accepted' }]);
  });

  it('a client that goes away while it waits takes no lease with it, and the next one is served', async () => {
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    const gone = httpRequest({
      port,
      method: 'POST',
      path: '/v1/queues/q/receive',
      headers: { authorization: guard.bearerFor(caller) },
    });
    gone.on('error', () => undefined);
    gone.end(JSON.stringify({ waitMs: 30_000 }));
    await vi.waitFor(() => expect(waiting()).toBe(1), SOON);
    gone.destroy();
    await vi.waitFor(() => expect(waiting()).toBe(0), SOON);
    await trial.publish(1);
    expect(await receive()).toMatchObject([{ attempt: 1, redelivery: 'no' }]);
  });

  it('an answer that does not get through is released at once, as an attempt', async () => {
    // Larger than what the buffers of a connection nobody reads from can take.
    await trial.publish(400, 1, 50_000);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    const deaf = httpRequest(
      { port, method: 'POST', path: '/v1/queues/q/receive', headers: { authorization: guard.bearerFor(caller) } },
      (response) => {
        response.pause();
        response.destroy();
      },
    );
    deaf.on('error', () => undefined);
    deaf.end(JSON.stringify({ max: 400 }));
    await vi.waitFor(() => expect(trial.attempts).toHaveLength(400), SOON);
    expect(trial.attempts[0]).toMatchObject({ outcome: 'released', error: 'connection lost' });
    expect(await receive({ waitMs: 10_000 })).toMatchObject([{ attempt: 2, redelivery: 'yes' }]);
  });

  it('sends those who wait elsewhere when the process stops or the queue moves', async () => {
    const one = receive({ waitMs: 20_000 });
    await vi.waitFor(() => expect(waiting()).toBe(1), SOON);
    await open.close();
    expect(await one).toEqual([]);
    expect(await receive({ waitMs: 20_000 })).toEqual([]);
    trial.queues.handOver('local', 'q');
    expect(await post('q/receive', {})).toMatchObject({ status: 404 });
  });

  it('is for those who may consume the queue, and another tenant has no such queue', async () => {
    await trial.publish(1);
    caller = callerFor('local', ['consume:queue:q2', 'manage:queue:*', 'consume:type:*']);
    for (const path of ['q/receive', 'q/settle']) {
      const { status, json } = await post(path, {});
      expect([status, json.code, json.detail]).toEqual([
        403,
        'permission-missing',
        expect.stringContaining('consume:queue:q'),
      ]);
    }
    caller = callerFor('acme');
    expect(await post('q/receive', {})).toMatchObject({ status: 404, json: { code: 'not-found' } });
    caller = callerFor('local', ['consume:queue:+']);
    expect(await receive()).toHaveLength(1);
  });

  it.each([
    ['q/receive', { max: 0 }, 'max'],
    ['q/receive', { max: 1001 }, 'max'],
    ['q/receive', { waitMs: 30_001 }, 'waitMs'],
    ['q/receive', { leaseMs: 999 }, 'leaseMs'],
    ['q/receive', { leasMs: 5000 }, 'leasMs'],
    ['q/settle', {}, 'settlements'],
    ['q/settle', { settlements: [] }, 'settlements'],
    ['q/settle', { settlements: [{ lease: 'x', action: 'forget' }] }, 'settlements.0.action'],
    ['q/settle', { settlements: [{ lease: 'x', action: 'accept', reson: 'y' }] }, 'settlements.0.reson'],
  ])('refuses %s %j as a whole, naming the field', async (path, body, field) => {
    const { status, json } = await post(path, body);
    expect([status, json.code, json.field]).toEqual([422, 'data-invalid', field]);
  });

  it('names the nearest field for one it does not know', async () => {
    const { json } = await post('q/receive', { leasMs: 5000 });
    expect(json.detail).toContain('did you mean leaseMs?');
    const wrong = await post('q/settle', { settlements: [{ lease: 'x', action: 'accept', reson: 'y' }] });
    expect(wrong.json.detail).toContain('did you mean reason?');
  });

  it('refuses what is no JSON, a name that is none and a queue that is not there', async () => {
    const answer = await server.inject({
      method: 'POST',
      url: '/v1/queues/q/settle',
      payload: '{',
      headers: { authorization: guard.bearerFor(caller) },
    });
    expect(answer.json()).toMatchObject({ status: 400, code: 'body-invalid' });
    expect(await post('Q!/receive', {})).toMatchObject({ status: 400, json: { code: 'parameter-invalid' } });
    expect(await post('none/receive', {})).toMatchObject({ status: 404, json: { code: 'not-found' } });
  });
});
