import { connectQueue, openStream, pullQueue, reject, release } from '@heddle/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClientTrial, SOON } from './client-trial.js';

let trial: ClientTrial;

beforeAll(async () => {
  trial = await ClientTrial.start();
});

afterAll(() => trial.stop());

describe('a worker that pulls', () => {
  it('handles every event, many settled in a request, and says of each what became of it', async () => {
    const queue = await trial.newQueue();
    const seen: string[] = [];
    const settled: string[] = [];
    let settleRequests = 0;
    const worker = pullQueue({
      ...trial.options(),
      queue,
      waitMs: 500,
      fetch: (url, init) => {
        if ((url as string).endsWith('/settle')) settleRequests += 1;
        return fetch(url, init);
      },
      handle: ({ subject }, { attempt }) => {
        seen.push(`${subject} ${attempt}`);
        if (subject === 'released' && attempt === 1) return release();
        return subject === 'rejected' ? reject('no such contract') : undefined;
      },
      onSettled: ({ subject }, _delivery, { state }) => settled.push(`${subject} ${state}`),
    });
    const keys = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    await trial.publish([...keys, 'released', 'rejected']);
    await vi.waitFor(() => expect(settled).toHaveLength(203), SOON);
    expect(settled).toEqual(expect.arrayContaining(['released released', 'released accepted', 'rejected rejected']));
    expect(seen.filter((line) => line.startsWith('many-'))).toHaveLength(200);
    expect(settleRequests).toBeLessThan(50);
    expect(await worker.close()).toEqual({ reason: 'closed' });
    expect((await trial.read(queue)).statistics).toMatchObject({ leased: 0, ready: 0, dead: 1 });
  });

  it('keeps the order of each key, renews what takes long, and ends once it is done with', async () => {
    const queue = await trial.newQueue();
    const seen: string[] = [];
    const worker = pullQueue({
      ...trial.options(),
      queue,
      waitMs: 500,
      leaseMs: 1000,
      handle: async ({ subject, id }, { attempt }) => {
        seen.push(`${id} ${attempt}`);
        if (subject === 'slow') await new Promise((resolve) => setTimeout(resolve, 2000));
      },
    });
    const events = await trial.publish(['slow', 'quick', 'slow', 'quick']);
    await vi.waitFor(() => expect(seen).toHaveLength(4), SOON);
    await worker.close();
    expect(seen.filter((line) => line.endsWith(' 1'))).toHaveLength(4);
    for (const key of ['slow', 'quick']) {
      const ids = events.filter(({ subject }) => subject === key).map(({ id }) => `${id} 1`);
      expect(seen.filter((line) => ids.includes(line))).toEqual(ids);
    }
    expect((await trial.read(queue)).statistics).toMatchObject({ leased: 0, ready: 0 });
  });

  it('tries again what fails on the way, when the gateway says or else less often each time', async () => {
    const queue = await trial.newQueue();
    const [event] = await trial.publish(['C-1']);
    const troubles: number[] = [];
    const handled: string[] = [];
    const begun = performance.now();
    const answers: (() => Response)[] = [
      () => new Response('{}', { status: 503, headers: { 'retry-after': '1' } }),
      () => Response.json({ code: 'rate-limited', retryable: true }, { status: 429 }),
      () => {
        throw new TypeError('fetch failed');
      },
    ];
    const worker = pullQueue({
      ...trial.options(),
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
    expect(performance.now() - begun).toBeGreaterThanOrEqual(troubles.reduce((sum, ms) => sum + ms) - 50);
    expect(troubles[0]).toBeGreaterThanOrEqual(1000);
    expect(troubles[1]).toBeLessThan(500);
  });
});

describe('what is refused for good', () => {
  it.each([
    [
      'a token that nobody knows',
      () => ({ ...trial.options(), token: 'trial.x.token' }),
      'refused-queue',
      'token-invalid',
    ],
    ['a queue that is not there', () => trial.options(), 'refused-queue', 'not-found'],
    [
      'a client that may not',
      () => ({ ...trial.options(), token: trial.tokenOf(['publish:type:*']) }),
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
    const refused = { ...trial.options(), transport, retryMs: 10, onEvent: () => undefined };
    const stream = openStream({ ...refused, token: trial.tokenOf(['publish:type:*']) });
    expect(await stream.closed).toMatchObject({ reason: 'refused', error: { code: 'permission-missing' } });
    const wrong = openStream({ ...refused, resume: 'h1~contract' });
    expect(await wrong.closed).toMatchObject({
      reason: 'refused',
      error: { code: 'parameter-invalid', field: 'resume' },
    });
  });
});
