import { describe, expect, it } from 'vitest';
import { ObjectFetch, type ObjectFetchOptions } from './object-fetch.js';
import { retryAfterMs } from './object-answer.js';

const GATEWAY = 'http://gateway.example';
const REFERENCE = '/v1/objects/sales-order/4711?version=3';

interface Asked {
  url: string;
  headers: Record<string, string>;
}

const state = (version: number, body: object = { n: version }): Response =>
  Response.json(body, { headers: { etag: `"${version}"` } });
const problem = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  Response.json({ code, detail: `it is ${code}` }, { status, headers });

/** Answers one request after another; the last answer again and again. */
function trial(answers: readonly (() => Response | Promise<Response>)[], options: Partial<ObjectFetchOptions> = {}) {
  const asked: Asked[] = [];
  const refused: string[] = [];
  let tokens = 0;
  const objects = new ObjectFetch({
    gatewayUrl: GATEWAY,
    owners: {},
    catalogue: { list: () => [{ object: 'sales-order', fetch: '/sales-orders/{key}' }] as never },
    tokens: {
      header: () => Promise.resolve(`Bearer token-${tokens + 1}`),
      refused: (header) => {
        refused.push(header);
        tokens += 1;
      },
    },
    request: async (url, init) => {
      asked.push({ url: url as string, headers: init?.headers as Record<string, string> });
      return answers[Math.min(asked.length, answers.length) - 1]!();
    },
    patienceMs: 2000,
    ...options,
  });
  return { objects, asked, refused };
}

describe('fetching an object', () => {
  it('asks the gateway with a token, and the next time only whether it has changed', async () => {
    const { objects, asked } = trial([
      () => state(3),
      () => new Response(null, { status: 304, headers: { etag: '"3"' } }),
      () => state(4),
    ]);
    expect(await objects.fetch(REFERENCE)).toEqual({ kind: 'state', version: 3, state: { n: 3 }, isNew: true });
    const again = await objects.fetch<{ n: number }>('/v1/objects/sales-order/4711');
    expect(again).toEqual({ kind: 'state', version: 3, state: { n: 3 }, isNew: false });
    expect(await objects.fetch(REFERENCE)).toMatchObject({ version: 4, isNew: true });
    expect(asked.map(({ url }) => url)).toEqual([
      `${GATEWAY}${REFERENCE}`,
      `${GATEWAY}/v1/objects/sales-order/4711`,
      `${GATEWAY}${REFERENCE}`,
    ]);
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"3"', '"3"']);
    expect(asked[0]?.headers['authorization']).toBe('Bearer token-1');
  });

  it('gives every reader a state of its own', async () => {
    const { objects } = trial([() => state(3), () => new Response(null, { status: 304 })]);
    const first = await objects.fetch<{ n: number }>(REFERENCE);
    if (first.kind === 'state') first.state.n = 99;
    expect(await objects.fetch(REFERENCE)).toMatchObject({ state: { n: 3 } });
  });

  it('waits for an owner that is behind or away, and for as long as it asks to', async () => {
    const { objects, asked } = trial([
      () => problem(503, 'object-behind', { 'retry-after': '1' }),
      () => Promise.reject(new TypeError('fetch failed')),
      () => problem(502, 'internal'),
      () => state(3),
    ]);
    const started = performance.now();
    expect(await objects.fetch(REFERENCE)).toMatchObject({ version: 3 });
    expect(asked).toHaveLength(4);
    expect(performance.now() - started).toBeGreaterThanOrEqual(1000);
  });

  it('does not wait longer than its patience, and passes on when to come back', async () => {
    const { objects, asked } = trial([() => problem(503, 'object-behind', { 'retry-after': '60' })]);
    await expect(objects.fetch(REFERENCE)).rejects.toMatchObject({
      code: 'object-behind',
      retryable: true,
      retryAfterSeconds: 60,
    });
    expect(asked).toHaveLength(1);
    const away = trial([() => Promise.reject(new TypeError('fetch failed'))], { patienceMs: 200 });
    await expect(away.objects.fetch(REFERENCE)).rejects.toMatchObject({ code: 'owner-unavailable', retryable: true });
  });

  it('says that it was deleted, or never was, as answers and not as errors', async () => {
    const deleted = trial([() => problem(410, 'object-gone', { etag: '"5"' })]);
    expect(await deleted.objects.fetch(REFERENCE)).toEqual({ kind: 'tombstone', version: 5 });
    const unknown = trial([() => problem(404, 'not-found')]);
    expect(await unknown.objects.fetch(REFERENCE)).toEqual({ kind: 'unknown' });
  });

  it('gets another token once when the first is no longer taken, and then believes it', async () => {
    const replaced = trial([() => problem(401, 'token-invalid'), () => state(3)]);
    expect(await replaced.objects.fetch(REFERENCE)).toMatchObject({ version: 3 });
    expect(replaced.refused).toEqual(['Bearer token-1']);
    const refused = trial([() => problem(401, 'token-invalid')]);
    await expect(refused.objects.fetch(REFERENCE)).rejects.toMatchObject({ code: 'token-invalid', retryable: false });
    expect(refused.asked).toHaveLength(2);
  });

  it('gives up at once what trying again does not mend', async () => {
    const { objects, asked } = trial([() => problem(403, 'permission-missing')]);
    await expect(objects.fetch(REFERENCE)).rejects.toMatchObject({
      code: 'permission-missing',
      message: 'it is permission-missing',
    });
    const large = trial([() => state(3, { text: 'x'.repeat(100) })], { maxBytes: 50 });
    await expect(large.objects.fetch(REFERENCE)).rejects.toMatchObject({ code: 'too-large' });
    expect([asked.length, large.asked.length]).toEqual([1, 1]);
  });

  it('takes its token nowhere but to the gateway', async () => {
    const { objects, asked } = trial([() => state(3)]);
    for (const elsewhere of ['https://elsewhere.example/v1/objects/sales-order/1', '//elsewhere.example/x?version=1']) {
      await objects.fetch(elsewhere).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'parameter-invalid', field: 'dataref' });
      });
    }
    expect(asked.filter(({ url }) => !url.startsWith(`${GATEWAY}/`))).toEqual([]);
    await expect(objects.fetch({ id: '1', source: '/s', type: 't' })).rejects.toMatchObject({
      code: 'parameter-invalid',
    });
    expect(await objects.fetch(`${GATEWAY}${REFERENCE}`)).toMatchObject({ version: 3 });
  });

  it('finds a gateway that has a path of its own', async () => {
    const { objects, asked } = trial([() => state(3)], { gatewayUrl: `${GATEWAY}/mesh` });
    await objects.fetch(REFERENCE);
    expect(asked[0]?.url).toBe(`${GATEWAY}/mesh${REFERENCE}`);
  });

  it('asks an owner directly where it is told to, which does not know what was notified', async () => {
    const { objects, asked } = trial([() => problem(404, 'not-found'), () => state(2), () => state(3)], {
      owners: { 'sales-order': 'http://orders.example' },
    });
    expect(await objects.fetch(REFERENCE)).toMatchObject({ version: 3 });
    expect(asked.map(({ url }) => url)).toEqual(Array(3).fill('http://orders.example/sales-orders/4711'));
  });
});

it('a time to come back may be seconds or a date', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  const headers = ['7', 'Sat, 31 Jan 2026 12:00:30 GMT', 'Sat, 31 Jan 2026 11:00:00 GMT', 'soon', null];
  expect(headers.map((header) => retryAfterMs(header, now))).toEqual([7000, 30_000, 0, undefined, undefined]);
});
