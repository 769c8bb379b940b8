import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Refusal } from './refusal.js';
import { TokenRenewal } from './token-renewal.js';

const EXPIRED = new Refusal('token-invalid', 'no', { status: 401 });

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 31) }));
afterEach(() => void vi.useRealTimers());

it('another token is shown before the one there is ends, again and again', async () => {
  const { renewal, shown } = renewing(['t1', 't2', 't3'], 100);
  renewal.begin();
  await vi.advanceTimersByTimeAsync(79_000);
  expect(shown).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(shown).toEqual(['t2']);
  renewal.shown('a-1');
  await vi.advanceTimersByTimeAsync(80_000);
  expect(shown).toEqual(['t2', 't3']);
  renewal.stop();
});

it('one that is not accepted is given back, and the next shown soon', async () => {
  const { renewal, shown, refused, failed } = renewing(['t1', 't2', 't3'], 100);
  renewal.begin();
  await vi.advanceTimersByTimeAsync(80_000);
  expect(renewal.refused('s-1', EXPIRED)).toBe(false);
  expect(renewal.refused('a-1', EXPIRED)).toBe(true);
  expect([refused, failed]).toEqual([['t2'], ['token-invalid']]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(shown).toEqual(['t2', 't3']);
  renewal.stop();
});

it('where none can be had it is tried again, less often each time, and not after the end', async () => {
  let tries = 0;
  const failed: string[] = [];
  const get = (): string => {
    tries += 1;
    throw new Refusal('unreachable', 'no');
  };
  const words = { show: () => undefined, failed: ({ code }: Refusal) => failed.push(code) };
  const renewal = new TokenRenewal({ get }, jwt('t', 10), words);
  renewal.begin();
  await vi.advanceTimersByTimeAsync(8000);
  expect([tries, failed]).toEqual([1, ['unreachable']]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tries).toBeGreaterThan(5);
  expect(tries).toBeLessThan(20);
  renewal.stop();
  const before = tries;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tries).toBe(before);
});

it('one that does not say when it ends is left alone', async () => {
  const get = vi.fn<() => string>(() => 'opaque');
  const renewal = new TokenRenewal({ get }, 'opaque', { show: () => undefined, failed: () => undefined });
  renewal.begin();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(get).not.toHaveBeenCalled();
});

/** Tokens that are used up in turn: each is good for so long from when it was got. */
function renewing(names: string[], seconds: number) {
  const shown: string[] = [];
  const refused: string[] = [];
  const failed: string[] = [];
  const given = new Map<string, string>();
  const next = (): string => {
    const name = names.shift()!;
    const token = jwt(name, seconds);
    given.set(token, name);
    return token;
  };
  const tokens = { get: next, refused: (token: string) => void refused.push(given.get(token)!) };
  const words = {
    show: (token: string) => void shown.push(given.get(token)!),
    failed: ({ code }: Refusal) => void failed.push(code),
  };
  return { renewal: new TokenRenewal(tokens, next(), words), shown, refused, failed };
}

function jwt(name: string, seconds: number): string {
  const claims = { name, exp: Math.floor(Date.now() / 1000) + seconds };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
}
