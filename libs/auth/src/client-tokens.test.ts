import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientTokens } from './client-tokens.js';

const CREDENTIALS = { tokenUrl: 'https://gateway.example/oauth/token', clientId: 'acme.shop', clientSecret: 'a+b c' };
let asked: RequestInit[];
let answer: () => Response | Promise<Response>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  asked = [];
  answer = () => Response.json({ access_token: `t${asked.length}`, token_type: 'Bearer', expires_in: 100 });
});

afterEach(() => void vi.useRealTimers());

function tokens(): ClientTokens {
  return new ClientTokens(CREDENTIALS, (_url, init = {}) => {
    asked.push(init);
    return Promise.resolve(answer());
  });
}

describe('the tokens of a process', () => {
  it('are got with form-encoded Basic, once for all who ask at a time, and used for 80 % of their life', async () => {
    const source = tokens();
    expect(await Promise.all([source.header(), source.header(), source.header()])).toEqual(
      Array.from({ length: 3 }, () => 'Bearer t1'),
    );
    const { authorization } = asked[0]!.headers as Record<string, string>;
    expect(Buffer.from(authorization!.slice(6), 'base64').toString()).toBe('acme.shop:a%2Bb%20c');
    vi.advanceTimersByTime(79_000);
    expect(source.header()).toBe('Bearer t1');
    vi.advanceTimersByTime(2000);
    expect(await source.header()).toBe('Bearer t2');
  });

  it('are replaced when one is refused, and not when an older one is', async () => {
    const source = tokens();
    const first = await source.header();
    source.refused(first);
    expect(await source.header()).toBe('Bearer t2');
    source.refused(first);
    expect(source.header()).toBe('Bearer t2');
  });

  it('are not asked for again at once after a failure, which says why and nothing of the secret', async () => {
    const source = tokens();
    const good = answer;
    answer = () => Response.json({ error: 'invalid_client' }, { status: 401 });
    const error = await Promise.resolve(source.header()).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ code: 'credentials-unavailable' });
    expect((error as Error).message).toContain('status 401 (invalid_client)');
    expect((error as Error).message).not.toContain(CREDENTIALS.clientSecret);
    expect(() => source.header()).toThrowError('invalid_client');
    expect(asked).toHaveLength(1);
    answer = good;
    vi.advanceTimersByTime(1001);
    expect(await source.header()).toBe('Bearer t2');
  });
});
