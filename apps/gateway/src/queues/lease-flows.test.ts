import { uuidv7 } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import { DispatchedEvent } from '../represent.js';
import type { FlowRules } from './flows.js';
import { type Grant, LeaseBook, type LeaseReceiver } from './lease-book.js';
import type { Lease, LeaseSource } from './lease.js';

const RECEIVER: LeaseReceiver = { kind: 'amqp', name: 'somebody' };

/** A queue of events without end. */
class Endless implements LeaseSource {
  acquired = 0;

  acquire(): Lease {
    this.acquired += 1;
    const stored = { attributes: { id: String(this.acquired) } } as never;
    return { event: new DispatchedEvent(stored, 0, '', ''), lane: '', attempt: 1, redelivery: 'no', cycle: '' };
  }

  accept(): void {
    this.acquired -= 1;
  }

  release(): { state: 'waiting'; dueAt: number } {
    return { state: 'waiting', dueAt: 0 };
  }

  reject(): void {
    this.acquired -= 1;
  }
}

function bookOf(rules: FlowRules): LeaseBook {
  return new LeaseBook({ uuid: uuidv7(), epoch: 1, leaseMs: () => 30_000, flows: () => rules }, new Endless());
}

const accept = (book: LeaseBook, grants: readonly Grant[]) =>
  book.settle(grants.map(({ token }) => ({ token, action: 'accept' })));

describe('an exclusive queue', () => {
  it('has one receiver at a time: the first that came, and the next when it has left', async () => {
    const book = bookOf({ exclusive: true });
    const [first, second, third] = [book.open(), book.open(), book.open()];
    expect([first.isActive, second.isActive, third.isActive]).toEqual([true, false, false]);
    const waiting = [second, third].map((flow) => book.waitFor({ max: 1, receiver: RECEIVER, flow }, Infinity));
    expect(book.receive({ max: 2, receiver: RECEIVER, flow: first })).toHaveLength(2);
    expect(book.counts).toEqual({ leased: 2, waiting: 2 });
    first.close();
    expect(await waiting[0]).toHaveLength(1);
    expect(book.counts).toEqual({ leased: 3, waiting: 1 });
    expect(book.receive({ max: 1, receiver: RECEIVER, flow: first })).toEqual([]);
    second.close();
    expect(await waiting[1]).toHaveLength(1);
    book.close();
  });

  it('is held by one that comes and goes for as long as it has something', () => {
    const book = bookOf({ exclusive: true });
    const of = (name: string) => book.receive({ max: 1, receiver: { kind: 'pull', name } });
    const grants = of('one');
    expect(grants).toHaveLength(1);
    expect(of('other')).toEqual([]);
    expect(of('one')).toHaveLength(1);
    accept(book, grants);
    expect(of('other')).toEqual([]);
    const stays = book.open();
    expect(stays.isActive).toBe(true);
    expect(of('one')).toEqual([]);
    book.close();
  });

  it('gives to nobody else what its receiver settles late', () => {
    const book = bookOf({ exclusive: true });
    const [first, second] = [book.open(), book.open()];
    const grants = book.receive({ max: 1, receiver: RECEIVER, flow: first });
    first.close();
    expect(second.isActive).toBe(true);
    expect(accept(book, grants)).toEqual([{ state: 'accepted' }]);
    book.close();
  });
});

describe('a queue that limits what a receiver may have out', () => {
  it('gives each no more than that, and the next when one is settled', async () => {
    const book = bookOf({ exclusive: false, maxUnacknowledged: 3 });
    const [one, other] = [book.open(), book.open()];
    const grants = book.receive({ max: 10, receiver: RECEIVER, flow: one });
    expect(grants).toHaveLength(3);
    const waiting = book.waitFor({ max: 10, receiver: RECEIVER, flow: one }, Infinity);
    // Whoever has all it may have holds up nobody behind it.
    expect(await book.waitFor({ max: 10, receiver: RECEIVER, flow: other }, Infinity)).toHaveLength(3);
    accept(book, grants.slice(0, 2));
    expect(await waiting).toHaveLength(2);
    expect([one.isActive, other.isActive]).toEqual([false, false]);
    book.close();
  });

  it('counts those that come and go by their kind and name', () => {
    const book = bookOf({ exclusive: false, maxUnacknowledged: 1 });
    const of = (name: string) => book.receive({ max: 5, receiver: { kind: 'messagingrest', name } });
    const [grant] = of('one');
    expect([of('one').length, of('other').length]).toEqual([0, 1]);
    book.settle([{ token: grant!.token, action: 'release', delayMs: 0 }]);
    expect(of('one')).toHaveLength(1);
    book.close();
  });
});

it('a queue that says nothing about its receivers gives each what it asks for', () => {
  const book = bookOf({ exclusive: false });
  const [one, other] = [book.open(), book.open()];
  expect(book.receive({ max: 50, receiver: RECEIVER, flow: one })).toHaveLength(50);
  expect(book.receive({ max: 50, receiver: RECEIVER, flow: other })).toHaveLength(50);
  expect([one.isActive, other.isActive]).toEqual([true, true]);
  book.close();
});
