import { describe, expect, it } from 'vitest';
import { fetchObject } from './object-fetch.js';

const GATEWAY = 'https://mesh.example';
const DATAREF = `${GATEWAY}/v1/objects/sales-order/4711?version=7`;

describe('the object that an event speaks of', () => {
  it('is fetched under the token, with its version', async () => {
    const { asked, ...gateway } = answering(() => Response.json({ a: 1 }, { headers: { etag: '"8"' } }));
    expect(await fetchObject({ dataref: DATAREF }, gateway)).toEqual({
      kind: 'state',
      version: 8,
      etag: '"8"',
      state: { a: 1 },
    });
    expect(asked).toMatchObject([{ url: DATAREF, headers: { authorization: 'Bearer t' } }]);
  });

  it('is said to be deleted, or unchanged since it was had', async () => {
    const gone = answering(() => problem(410, 'object-gone', { etag: '"9"' }));
    expect(await fetchObject({ dataref: DATAREF }, gone)).toEqual({ kind: 'tombstone', version: 9 });
    const same = answering(() => new Response(null, { status: 304, headers: { etag: '"8"' } }));
    expect(await fetchObject({ dataref: DATAREF }, { ...same, etag: '"8"' })).toEqual({
      kind: 'unchanged',
      version: 8,
      etag: '"8"',
    });
    expect(same.asked[0]!.headers).toMatchObject({ 'if-none-match': '"8"' });
  });

  it('is waited for while its owner is behind, and never taken from a version before', async () => {
    const answers = [
      problem(503, 'object-behind'),
      Response.json({ old: true }, { headers: { etag: '"6"' } }),
      new Response('{"half', { headers: { etag: '"7"' } }),
      Response.json({ new: true }, { headers: { etag: '"7"' } }),
    ];
    const { asked, ...gateway } = answering(() => answers.shift()!);
    expect(await fetchObject({ dataref: DATAREF }, gateway)).toMatchObject({ version: 7, state: { new: true } });
    expect(asked).toHaveLength(4);
  });

  it('that does not come in time is refused with the last reason', async () => {
    const gateway = answering(() => problem(503, 'object-behind', { 'retry-after': '60' }));
    await expect(fetchObject({ dataref: DATAREF }, { ...gateway, waitMs: 1000 })).rejects.toMatchObject({
      code: 'object-behind',
      retryAfterMs: 60_000,
    });
  });

  it.each([403, 404])('that may not be had (%i) is not asked for twice', async (status) => {
    const gateway = answering(() => problem(status, 'some-code'));
    await expect(fetchObject({ dataref: DATAREF }, gateway)).rejects.toMatchObject({ code: 'some-code', status });
    expect(gateway.asked).toHaveLength(1);
  });

  it('is asked for with another token when the first is refused', async () => {
    const answers = [problem(401, 'token-invalid'), Response.json({}, { headers: { etag: '"7"' } })];
    const gateway = answering(() => answers.shift()!);
    const tokens = ['t1', 't2'];
    const token = { get: () => tokens[0]!, refused: () => void tokens.shift() };
    await fetchObject({ dataref: DATAREF }, { ...gateway, token });
    expect(gateway.asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it('is fetched from the gateway alone, by whichever of its URLs the event calls it', async () => {
    const gateway = answering(() => Response.json({}, { headers: { etag: '"7"' } }));
    for (const dataref of [
      undefined,
      'https://evil.example/v1/objects/sales-order/4711',
      'https://mesh.example.evil.example/v1/objects/sales-order/4711',
      'https://mesh.example@evil.example/v1/objects/sales-order/4711',
      'https://user@mesh.example/v1/objects/sales-order/4711',
      'http://mesh.example/v1/objects/sales-order/4711',
      `${GATEWAY}/v1/clients`,
      `${GATEWAY}/v1/objects/../clients`,
      '//evil.example/v1/objects/a/b',
    ]) {
      const refused = fetchObject(dataref === undefined ? {} : { dataref }, gateway);
      await expect(refused, String(dataref)).rejects.toMatchObject({ code: 'reference-refused' });
    }
    expect(gateway.asked).toEqual([]);
    await fetchObject({ dataref: '/v1/objects/sales-order/4711' }, gateway);
    await fetchObject(
      { dataref: 'https://other.example/v1/objects/a/b' },
      { ...gateway, knownAs: ['https://other.example'] },
    );
    expect(gateway.asked.map(({ url }) => url)).toEqual([
      `${GATEWAY}/v1/objects/sales-order/4711`,
      `${GATEWAY}/v1/objects/a/b`,
    ]);
  });
});

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ code, detail: 'so', retryable: status === 503 }, { status, headers });
}

function answering(answer: () => Response) {
  const asked: { url: string; headers: Record<string, string> }[] = [];
  const request: typeof fetch = (url, init) => {
    asked.push({ url: url as string, headers: init!.headers as Record<string, string> });
    return Promise.resolve(answer());
  };
  return { url: GATEWAY, token: 't', fetch: request, asked };
}
