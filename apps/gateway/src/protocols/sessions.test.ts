import { PassThrough } from 'node:stream';
import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TrialGuard, callerFor } from '../identity/identity-trial.js';
import { type Dismissal, Sessions } from './sessions.js';

let guard: TrialGuard;
let sessions: Sessions;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  guard = new TrialGuard();
  sessions = new Sessions(guard);
});

afterEach(() => {
  sessions.stop();
  vi.useRealTimers();
});

/** Somebody whose token ends after so many seconds. */
function endingIn(seconds: number, client = 'tester', tenant = 'local'): Caller {
  return { ...callerFor(tenant, ['*'], client), expiresAt: Date.now() + seconds * 1000 };
}

function open(caller: Caller) {
  const dismissals: { reason: Dismissal; atSecond: number }[] = [];
  const socket = new PassThrough();
  const session = sessions.open(caller, socket, '192.0.2.1');
  const began = Date.now();
  session.onDismissed((reason) => dismissals.push({ reason, atSecond: (Date.now() - began) / 1000 }));
  return { session, socket, dismissals };
}

it('a connection ends half a minute after its token, not before and not much later', () => {
  const { dismissals } = open(endingIn(60));
  const other = open(endingIn(3600));
  vi.advanceTimersByTime(89_000);
  expect(dismissals).toEqual([]);
  vi.advanceTimersByTime(2000);
  expect(dismissals).toEqual([{ reason: 'expired', atSecond: 90 }]);
  vi.advanceTimersByTime(60_000);
  expect(dismissals).toHaveLength(1);
  expect(other.dismissals).toEqual([]);
});

it('with a new token of its client it goes on until that one ends; with one of somebody else it does not', () => {
  const { session, dismissals } = open(endingIn(60, 'one', 'acme'));
  for (const other of [endingIn(3600, 'two', 'acme'), endingIn(3600, 'one', 'other')]) {
    expect(() => session.renew(other, () => undefined)).toThrow(
      expect.objectContaining({ code: 'token-invalid' }) as Error,
    );
  }
  const refused = () => {
    throw new HeddleError('permission-missing', 'It may not any more.');
  };
  expect(() => session.renew(endingIn(3600, 'one', 'acme'), refused)).toThrow('may not any more');
  vi.advanceTimersByTime(80_000);
  session.renew(endingIn(60, 'one', 'acme'), () => undefined);
  vi.advanceTimersByTime(80_000);
  expect(dismissals).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(dismissals).toMatchObject([{ reason: 'expired' }]);
});

it('connections of a client end at once when its rights are taken, those of others go on', () => {
  const taken = open(endingIn(3600, 'one', 'acme'));
  const others = [open(endingIn(3600, 'two', 'acme')), open(endingIn(3600, 'one', 'other'))];
  guard.revoke({ tenant: 'acme', client: 'one' });
  expect(taken.dismissals).toEqual([{ reason: 'revoked', atSecond: 0 }]);
  vi.advanceTimersByTime(60_000);
  expect(others.flatMap(({ dismissals }) => dismissals)).toEqual([]);
});

it('a change that was not heard of is found within a minute', () => {
  const { dismissals } = open(endingIn(3600));
  vi.spyOn(guard, 'isCurrent').mockReturnValue(false);
  vi.advanceTimersByTime(60_000);
  expect(dismissals).toMatchObject([{ reason: 'revoked' }]);
});

it('who does not go is cut off, and who has no words for it at once', () => {
  const polite = open(endingIn(1));
  const silent = new PassThrough();
  sessions.open(endingIn(1), silent);
  vi.advanceTimersByTime(35_000);
  expect(polite.dismissals).toHaveLength(1);
  expect([polite.socket.destroyed, silent.destroyed]).toEqual([false, true]);
  vi.advanceTimersByTime(10_000);
  expect(polite.socket.destroyed).toBe(true);
});

it('each is counted until its socket closes, and nothing is left of it then', async () => {
  vi.useRealTimers();
  let count = 0;
  const counting = new Sessions(guard, () => {
    count += 1;
    return () => (count -= 1);
  });
  const sockets = [new PassThrough(), new PassThrough()];
  for (const socket of sockets) counting.open(callerFor(), socket);
  expect([count, counting.size]).toEqual([2, 2]);
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(() => expect([count, counting.size]).toEqual([0, 0]), { timeout: 10_000 });
  counting.stop();
});

it('one that is too many is refused, and nothing is kept of it', () => {
  const full = new Sessions(guard, () => {
    throw new HeddleError('busy', 'There are too many.');
  });
  expect(() => full.open(callerFor(), new PassThrough())).toThrow('too many');
  expect(full.size).toBe(0);
  full.stop();
});
