import { describe, expect, it, vi } from 'vitest';
import { ClientTokens } from './client-tokens.js';
import { fromServiceKey } from './service-key.js';
import { endOf } from './tokens.js';

const CREDENTIALS = { tokenUrl: 'https://mesh.example/oauth/token', clientId: 'a:b', clientSecret: 'sé cret' };

describe('the tokens of a client', () => {
  it('are got with its id and secret, once for all who ask, and used for 80 % of their life', async () => {
    vi.useFakeTimers();
    const { tokens, asked } = answering(() => ({ access_token: `t${asked.length}`, expires_in: 100 }));
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(['t1', 't1']);
    vi.advanceTimersByTime(79_000);
    expect(await tokens.get()).toBe('t1');
    vi.advanceTimersByTime(1000);
    expect(await tokens.get()).toBe('t2');
    const [{ headers, body, method }] = asked as [RequestInit];
    expect(method).toBe('POST');
    expect((body as URLSearchParams).toString()).toBe('grant_type=client_credentials');
    expect(atob((headers as Record<string, string>)['authorization']!.replace('Basic ', ''))).toBe(
      'a%3Ab:s%C3%A9%20cret',
    );
    vi.useRealTimers();
  });

  it('that are refused are replaced, and one that is not had any more changes nothing', async () => {
    const { tokens, asked } = answering(() => ({ access_token: `t${asked.length}`, expires_in: 100 }));
    await tokens.get();
    tokens.refused('of another time');
    expect(await tokens.get()).toBe('t1');
    tokens.refused('t1');
    expect(await tokens.get()).toBe('t2');
  });

  it('that cannot be had say why, and the server is left alone for a second, or as long as it asks', async () => {
    vi.useFakeTimers();
    let status = 401;
    const { tokens, asked } = answering(
      () => ({ error: 'invalid_client' }),
      () => ({ status, ...(status === 429 ? { headers: { 'retry-after': '5' } } : {}) }),
    );
    await expect(async () => tokens.get()).rejects.toMatchObject({
      code: 'invalid_client',
      status: 401,
      retryable: false,
    });
    await expect(async () => tokens.get()).rejects.toMatchObject({ code: 'invalid_client' });
    expect(asked).toHaveLength(1);
    status = 429;
    vi.advanceTimersByTime(1001);
    await expect(async () => tokens.get()).rejects.toMatchObject({ status: 429, retryable: true, retryAfterMs: 5000 });
    vi.advanceTimersByTime(4000);
    await expect(async () => tokens.get()).rejects.toMatchObject({ status: 429 });
    expect(asked).toHaveLength(2);
    vi.useRealTimers();
  });

  it('are not had from whom does not answer, or answers something else', async () => {
    const silent = new ClientTokens(CREDENTIALS, () => Promise.reject(new TypeError('fetch failed')));
    await expect(silent.get()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    await expect(answering(() => ({ token: 't' })).tokens.get()).rejects.toMatchObject({ code: 'answer-unreadable' });
    await expect(answering(() => ({ access_token: 'two words' })).tokens.get()).rejects.toMatchObject({
      code: 'answer-unreadable',
    });
  });
});

it('a service key is all that is needed, as an object or as text, if it has the secret', () => {
  const oauth2 = { tokenEndpoint: 'https://mesh.example/oauth/token', clientId: 'shop', clientSecret: 's' };
  const key = { tenant: 'local', oauth2, management: { uri: 'https://mesh.example/v1' } };
  for (const one of [key, JSON.stringify(key)]) {
    expect(fromServiceKey(one)).toMatchObject({
      url: 'https://mesh.example',
      token: expect.any(ClientTokens) as unknown,
    });
  }
  const { clientSecret: _secret, ...without } = oauth2;
  expect(() => fromServiceKey({ ...key, oauth2: without })).toThrow(/no secret/);
  expect(() => fromServiceKey('{}')).toThrow(/no service key/);
});

it('the end of a token is read out of it, where it is a JWT that has one', () => {
  const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  expect(endOf(jwt({ exp: 1_800_000_000, name: 'ü?~' }))).toBe(1_800_000_000_000);
  expect([jwt({}), 'opaque', 'a.b.c', ''].map(endOf)).toEqual([undefined, undefined, undefined, undefined]);
});

function answering(content: () => object, init: () => ResponseInit = () => ({})) {
  const asked: RequestInit[] = [];
  const tokens = new ClientTokens(CREDENTIALS, (_url, request) => {
    asked.push(request!);
    return Promise.resolve(Response.json(content(), init()));
  });
  return { tokens, asked };
}
