import { uuidv7 } from '@heddle/event';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DispatchedEvent } from '../represent.js';
import { type Grant, LeaseBook, type LeaseEnding, type LeaseReceiver, type Settlement } from './lease-book.js';
import { parseLeaseToken } from './lease-token.js';
import type { Lease, LeaseSource, Refusal, Released } from './lease.js';

const QUEUE = uuidv7();
const LEASE_MS = 30_000;
const RETRY_MS = 1000;
const RECEIVER: LeaseReceiver = { kind: 'pull', name: 'test' };

/** A queue that gives out numbers, each until it is accepted, rejected, or was tried three times. */
class NumberedSource implements LeaseSource {
  readonly ready: { n: number; attempts: number }[] = [];
  readonly waiting: { n: number; attempts: number; dueAt: number }[] = [];
  readonly out = new Map<Lease, { n: number; attempts: number }>();
  readonly accepted: number[] = [];
  readonly dead: number[] = [];
  readonly refusals: Refusal[] = [];
  maxInFlight = Infinity;
  acquired = 0;
  ended = 0;
  #added = 0;

  constructor(count: number) {
    this.add(count);
  }

  add(count: number): void {
    for (let n = 0; n < count; n += 1) this.ready.push({ n: (this.#added += 1), attempts: 0 });
  }

  acquire(): Lease | undefined {
    const due = this.waiting.findIndex(({ dueAt }) => dueAt <= Date.now());
    if (due >= 0) this.ready.push(...this.waiting.splice(due, 1));
    const item = this.out.size < this.maxInFlight ? this.ready.shift() : undefined;
    if (item === undefined) return undefined;
    this.acquired += 1;
    const attempt = item.attempts + 1;
    const lease: Lease = {
      event: eventNumbered(item.n),
      lane: '',
      attempt,
      redelivery: attempt > 1 ? 'yes' : 'no',
      cycle: '',
    };
    this.out.set(lease, item);
    return lease;
  }

  accept(lease: Lease): void {
    this.accepted.push(this.#end(lease).n);
  }

  release(lease: Lease, refusal: Refusal): Released {
    const { n, attempts } = this.#end(lease);
    this.refusals.push(refusal);
    if (refusal.countsAttempt === false) {
      this.ready.unshift({ n, attempts });
      return { state: 'waiting', dueAt: Date.now() };
    }
    if (attempts + 1 === 3) {
      this.dead.push(n);
      return { state: 'dead', reason: refusal.reason };
    }
    const dueAt = Date.now() + (refusal.delayMs ?? RETRY_MS);
    this.waiting.push({ n, attempts: attempts + 1, dueAt });
    return { state: 'waiting', dueAt };
  }

  reject(lease: Lease, refusal: Refusal): void {
    this.refusals.push(refusal);
    this.dead.push(this.#end(lease).n);
  }

  #end(lease: Lease): { n: number; attempts: number } {
    const item = this.out.get(lease);
    if (item === undefined) throw new Error('a lease ended twice');
    this.out.delete(lease);
    this.ended += 1;
    return item;
  }
}

function eventNumbered(n: number): DispatchedEvent {
  const attributes = { id: `e${n}`, source: '/test', type: 'test' };
  const stored = { attributes, value: Buffer.alloc(0), topic: 't', partition: 0, offset: n, key: `k${n}` };
  return new DispatchedEvent({ ...stored, appendedAt: 0, data: null }, n, '', '');
}

function numbers(grants: readonly Grant[]): number[] {
  return grants.map(({ lease }) => lease.event.number);
}

describe('the lease book', () => {
  let source: NumberedSource;
  let book: LeaseBook;
  let endings: LeaseEnding[];

  beforeEach(() => {
    vi.useFakeTimers();
    endings = [];
    begin(10);
  });

  afterEach(() => {
    book.close();
    vi.useRealTimers();
  });

  function begin(count: number): void {
    source = new NumberedSource(count);
    const queue = { uuid: QUEUE, epoch: 7, leaseMs: () => LEASE_MS };
    book = new LeaseBook(queue, source, (_lease, ending) => endings.push(ending));
  }

  function receive(max: number, leaseMs?: number): Grant[] {
    return book.receive({ max, leaseMs, receiver: RECEIVER });
  }

  function settle(grant: Grant | undefined, action: Settlement['action'], more: Partial<Settlement> = {}): unknown {
    return book.settle([{ token: grant?.token ?? '', action, ...more }])[0];
  }

  it('gives out at most what is wanted, each under a token that names queue, epoch and number', () => {
    expect(numbers(receive(3))).toEqual([1, 2, 3]);
    const [grant] = receive(1);
    expect(parseLeaseToken(grant?.token ?? '')).toEqual({ queue: QUEUE, epoch: 7, number: 4 });
    expect(grant?.expiresAt).toBe(Date.now() + LEASE_MS);
    expect(book.counts).toEqual({ leased: 4, waiting: 0 });
    expect(receive(100)).toHaveLength(6);
  });

  it('answers each settlement by itself, in any order', () => {
    const [a, b, c] = receive(3);
    const results = book.settle([
      { token: c!.token, action: 'reject', reason: 'no such customer' },
      { token: 'nonsense', action: 'accept' },
      { token: a!.token, action: 'accept' },
      { token: b!.token, action: 'release', delayMs: 5000, reason: 'busy' },
    ]);
    expect(results).toEqual([
      { state: 'rejected' },
      { code: 'lease-unknown' },
      { state: 'accepted' },
      { state: 'released', dueAt: Date.now() + 5000 },
    ]);
    expect(source.accepted).toEqual([1]);
    expect(source.refusals).toEqual([{ reason: 'no such customer' }, { reason: 'busy', delayMs: 5000 }]);
    expect(book.counts.leased).toBe(0);
    expect(endings.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['rejected', 'no such customer'],
      ['accepted', undefined],
      ['released', 'busy'],
    ]);
  });

  it('says when a release was the last one', () => {
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const [grant] = receive(1);
      expect(grant?.lease.attempt).toBe(attempt);
      const answer = settle(grant, 'release', { delayMs: 0, reason: 'never' });
      expect(answer).toMatchObject(attempt < 3 ? { state: 'released' } : { state: 'dead', reason: 'never' });
      source.ready.splice(0);
    }
  });

  it('answers a settlement that is repeated like the first time, and one that contradicts it with a code', () => {
    const [a, b] = receive(2);
    settle(a, 'accept');
    settle(b, 'release');
    expect(settle(a, 'accept')).toEqual({ state: 'accepted' });
    expect(settle(b, 'release')).toEqual({ state: 'released' });
    expect(settle(a, 'reject')).toEqual({ code: 'lease-settled' });
    expect(settle(b, 'accept')).toEqual({ code: 'lease-settled' });
    expect(settle(a, 'renew')).toEqual({ code: 'lease-settled' });
    expect(source.ended).toBe(2);
  });

  it('takes a lease back when it runs out, counts the attempt, and answers a late settlement with its code', () => {
    const [grant] = receive(1, 5000);
    source.ready.splice(0);
    vi.advanceTimersByTime(4999);
    expect(source.refusals).toEqual([]);
    vi.advanceTimersByTime(51);
    expect(source.refusals).toEqual([{ reason: 'lease ran out' }]);
    expect(settle(grant, 'accept')).toEqual({ code: 'lease-expired' });
    expect(endings).toMatchObject([
      { outcome: 'expired', receiver: RECEIVER, reason: 'lease ran out', nextAt: source.waiting[0]?.dueAt },
    ]);
    vi.advanceTimersByTime(RETRY_MS);
    expect(receive(1)[0]?.lease).toMatchObject({ attempt: 2, redelivery: 'yes' });
    expect(settle(grant, 'accept')).toEqual({ code: 'lease-expired' });
  });

  it('a renewed lease lasts from then on', () => {
    const [grant] = receive(1, 5000);
    vi.advanceTimersByTime(4000);
    expect(settle(grant, 'renew', { leaseMs: 10_000 })).toEqual({ state: 'renewed', expiresAt: Date.now() + 10_000 });
    vi.advanceTimersByTime(9999);
    expect(book.counts.leased).toBe(1);
    expect(settle(grant, 'renew')).toEqual({ state: 'renewed', expiresAt: Date.now() + LEASE_MS });
    expect(settle(grant, 'accept')).toEqual({ state: 'accepted' });
    vi.advanceTimersByTime(LEASE_MS * 2);
    expect(source.refusals).toEqual([]);
  });

  it('many leases of many lengths run out each at its time', () => {
    begin(500);
    const grants = Array.from({ length: 500 }, (_, index) => receive(1, 1000 + index * 37)[0]!);
    const times = new Map(grants.map(({ lease, expiresAt }) => [lease, expiresAt]));
    const late: number[] = [];
    source.release = (lease) => {
      late.push(Date.now() - (times.get(lease) ?? 0));
      return { state: 'waiting', dueAt: Date.now() };
    };
    vi.advanceTimersByTime(20_000);
    expect(book.counts.leased).toBe(0);
    expect(late).toHaveLength(500);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(50);
  });

  it('a lease of an earlier owner is lost, one of another queue unknown', () => {
    const earlier = new LeaseBook({ uuid: QUEUE, epoch: 6, leaseMs: () => LEASE_MS }, new NumberedSource(1));
    const other = new LeaseBook({ uuid: uuidv7(), epoch: 7, leaseMs: () => LEASE_MS }, new NumberedSource(1));
    const wish = { max: 1, receiver: RECEIVER };
    expect(settle(earlier.receive(wish)[0], 'accept')).toEqual({ code: 'lease-lost' });
    expect(settle(other.receive(wish)[0], 'accept')).toEqual({ code: 'lease-unknown' });
    earlier.close();
    other.close();
  });

  it('who waits is served first come first served, and gets what comes', async () => {
    begin(0);
    const first = book.waitFor({ max: 2, receiver: RECEIVER }, 10_000);
    const second = book.waitFor({ max: 2, receiver: RECEIVER }, 10_000);
    expect(book.counts.waiting).toBe(2);
    source.ready.push({ n: 1, attempts: 0 }, { n: 2, attempts: 0 }, { n: 3, attempts: 0 });
    expect(numbers(receive(5))).toEqual([]);
    expect(numbers(await first)).toEqual([1, 2]);
    expect(numbers(await second)).toEqual([3]);
    expect(book.counts).toEqual({ leased: 3, waiting: 0 });
  });

  it('who waits is served when a settlement makes room', async () => {
    source.maxInFlight = 2;
    const held = receive(5);
    expect(held).toHaveLength(2);
    const waiting = book.waitFor({ max: 5, receiver: RECEIVER }, Infinity);
    book.settle(held.map(({ token }) => ({ token, action: 'accept' as const })));
    expect(numbers(await waiting)).toEqual([3, 4]);
  });

  it('waiting ends with nothing at its time, on abort and when the book is closed; the next in line is served', async () => {
    begin(0);
    const abort = new AbortController();
    const wish = { max: 1, receiver: RECEIVER };
    const timed = book.waitFor(wish, 1000);
    const aborted = book.waitFor(wish, 5000, abort.signal);
    const patient = book.waitFor(wish, 5000);
    vi.advanceTimersByTime(1000);
    expect(await timed).toEqual([]);
    abort.abort();
    expect(await aborted).toEqual([]);
    source.ready.push({ n: 1, attempts: 0 });
    book.wake();
    expect(numbers(await patient)).toEqual([1]);
    const last = book.waitFor(wish, 5000);
    book.close();
    expect(await last).toEqual([]);
    expect(await book.waitFor(wish, 5000)).toEqual([]);
  });

  it('what is handed back untouched is ready again, and no attempt is counted', () => {
    const grants = receive(2);
    book.handBack(grants);
    expect(source.refusals.map(({ countsAttempt }) => countsAttempt)).toEqual([false, false]);
    expect(receive(10).map(({ lease }) => lease.attempt)).toEqual(Array(10).fill(1));
    book.handBack(grants);
    expect(source.ended).toBe(2);
  });

  it('when it is closed, leases are lost and nothing runs out any more', () => {
    const [settled, held] = receive(2);
    settle(settled, 'accept');
    book.close();
    expect(settle(held, 'accept')).toEqual({ code: 'lease-lost' });
    expect(settle(settled, 'accept')).toEqual({ state: 'accepted' });
    expect(receive(1)).toEqual([]);
    vi.advanceTimersByTime(LEASE_MS * 2);
    expect(source.refusals).toEqual([]);
  });

  it('remembers how the last 65,536 leases ended, and older ones as unknown', () => {
    begin(0);
    const grants = Array.from({ length: 70 }, () => {
      source.add(1000);
      return receive(1000);
    }).flat();
    book.settle(grants.map(({ token }) => ({ token, action: 'accept' as const })));
    expect(settle(grants[0], 'accept')).toEqual({ code: 'lease-unknown' });
    expect(settle(grants[69_999], 'accept')).toEqual({ state: 'accepted' });
    expect(settle(grants[69_999 - 65_535], 'accept')).toEqual({ state: 'accepted' });
    expect(settle(grants[69_999 - 65_536], 'accept')).toEqual({ code: 'lease-unknown' });
  });

  it('whatever is received, settled, handed back or left to run out, each lease ends once and none is forgotten', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('receive' as const), max: fc.nat(5), leaseMs: fc.integer({ min: 1000, max: 9000 }) }),
      fc.record({
        do: fc.constant('settle' as const),
        at: fc.nat(60),
        action: fc.constantFrom('accept', 'release', 'reject', 'renew'),
      }),
      fc.record({ do: fc.constant('hand-back' as const), at: fc.nat(60) }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 6000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        book.close();
        endings = [];
        begin(15);
        const grants: Grant[] = [];
        for (const now of steps) {
          if (now.do === 'receive') grants.push(...receive(now.max, now.leaseMs));
          if (now.do === 'pass') vi.advanceTimersByTime(now.ms);
          const grant = 'at' in now ? grants[now.at % Math.max(1, grants.length)] : undefined;
          if (now.do === 'settle' && grant !== undefined) settle(grant, now.action);
          if (now.do === 'hand-back' && grant !== undefined) book.handBack([grant]);
          // The source throws when a lease ends twice.
          expect(book.counts.leased).toBe(source.acquired - source.ended);
          expect(source.ready.length + source.waiting.length + source.out.size).toBe(
            15 - source.accepted.length - source.dead.length,
          );
        }
        vi.advanceTimersByTime(LEASE_MS * 2);
        expect(source.out.size).toBe(0);
        const counted = source.ended - source.refusals.filter((refusal) => refusal.countsAttempt === false).length;
        expect(endings).toHaveLength(counted);
        expect(endings.filter((ending) => ending.final !== undefined)).toHaveLength(
          source.accepted.length + source.dead.length,
        );
      }),
    );
  });
});
