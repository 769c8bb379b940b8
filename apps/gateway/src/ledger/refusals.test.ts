import { HeddleError } from '@heddle/event';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { AuditEntry } from './ledger.js';
import { type Refusal, Refusals, isRefusal } from './refusals.js';

const CLERK = { tenant: 'acme', client: 'clerk' };
const FIVE_MINUTES = 5 * 60_000;

let written: AuditEntry[];
let refusals: Refusals;

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  written = [];
  refusals = new Refusals({ audit: (entry) => void written.push(entry) });
});

function refusal(different: Partial<Refusal> = {}): Refusal {
  const detail = { status: 403 };
  return { by: CLERK, from: '192.0.2.1', action: 'access.refused', target: 'GET /v1/audit', detail, ...different };
}

it('the first of a kind is written at once, and further ones are a number, once in five minutes', () => {
  for (let n = 0; n < 1000; n += 1) refusals.note(refusal());
  expect(written).toEqual([
    expect.objectContaining({ tenant: 'acme', who: 'clerk', from: '192.0.2.1', result: 'refused' }),
  ]);
  vi.advanceTimersByTime(FIVE_MINUTES);
  expect(written[1]).toMatchObject({ who: 'clerk', detail: { status: 403, times: 999 } });
  refusals.note(refusal());
  expect(written).toHaveLength(3);
  vi.advanceTimersByTime(FIVE_MINUTES);
  expect(written).toHaveLength(3);
});

it('who nobody knows is told to those who run the mesh, and cannot fill the log from however many addresses', () => {
  for (let n = 0; n < 100_000; n += 1) refusals.note(refusal({ by: undefined, from: `2001:db8::${n.toString(16)}` }));
  expect(written).toHaveLength(50);
  expect(written[0]).toMatchObject({ tenant: 'local', who: '', from: '2001:db8::0' });
  vi.advanceTimersByTime(FIVE_MINUTES);
  expect(written).toHaveLength(51);
  expect(written[50]).toMatchObject({ tenant: 'local', target: 'others', detail: { times: 99_950 } });
});

it('a tenant that is refused without end takes no room from another one, nor from those whom nobody knows', () => {
  for (let n = 0; n < 10_000; n += 1) refusals.note(refusal({ target: `queue/${n}` }));
  expect(written).toHaveLength(500);
  expect(refusals.note(refusal({ by: { tenant: 'globex', client: 'clerk' } }))).toBe(true);
  expect(refusals.note(refusal({ by: undefined }))).toBe(true);
});

it('what was only counted is written when the process stops', () => {
  refusals.note(refusal());
  refusals.note(refusal());
  refusals.sum();
  expect(written).toHaveLength(2);
  refusals.sum();
  expect(written).toHaveLength(2);
});

it('is what ends a request because of who asks, and nothing else', () => {
  const codes = ['token-missing', 'token-invalid', 'permission-missing', 'origin-refused'] as const;
  for (const code of codes) expect(isRefusal(new HeddleError(code, ''))).toBe(true);
  for (const code of ['not-found', 'rate-limited', 'stopping'] as const) {
    expect(isRefusal(new HeddleError(code, ''))).toBe(false);
  }
  expect(isRefusal(new Error('token-invalid'))).toBe(false);
});
