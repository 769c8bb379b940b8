import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { DeliveryTurns, type Seat, type TurnTaker } from './delivery-turns.js';

/** A receiver with a number of events to begin with; its requests end when the test says so. */
class Taker implements TurnTaker {
  readonly seat: Seat;
  begunEvents = 0;
  turns = 0;

  constructor(
    turns: DeliveryTurns,
    public left: number,
    private readonly batch = 1,
    public again = false,
  ) {
    this.seat = turns.join(this);
  }

  begin(): number {
    this.turns += 1;
    const events = Math.min(this.left, this.batch);
    if (events === 0) return 0;
    this.left -= events;
    this.begunEvents += events;
    this.seat.begun(performance.now(), this.again);
    return events;
  }

  /** @param ms how long its request took; Infinity for one that failed */
  end(ms = 1): void {
    this.seat.ended(performance.now(), ms);
    this.seat.ready();
  }
}

it('no more requests are under way than the bound, and none of those waiting is forgotten', () => {
  const takers = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }), fc.boolean()), {
    minLength: 1,
    maxLength: 30,
  });
  const ends = fc.infiniteStream(fc.tuple(fc.nat(29), fc.constantFrom(1, 1, 5000, Infinity)));
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 50 }), takers, ends, (bound, shapes, moves) => {
      const turns = new DeliveryTurns(bound);
      const all = shapes.map(([left, batch, again]) => new Taker(turns, left, batch, again));
      for (const { seat } of all) seat.ready();
      for (const [which, ms] of moves) {
        expect(turns.inFlight).toBeLessThanOrEqual(2 * bound);
        const busy = all.filter(({ seat }) => seat.inFlight > 0);
        expect(turns.inFlight).toBe(busy.reduce((sum, { seat }) => sum + seat.inFlight, 0));
        if (busy.length === 0) break;
        busy[which % busy.length]!.end(ms);
      }
      expect(all.map(({ left }) => left)).toEqual(all.map(() => 0));
    }),
  );
});

it('receivers that always have something begin with as many events, whatever the size of their batches', () => {
  const turns = new DeliveryTurns(2);
  const takers = [1, 7, 50].map((batch) => new Taker(turns, 1e6, batch));
  for (const { seat } of takers) seat.ready();
  for (let n = 0; n < 20_000; n += 1) {
    const busy = takers.filter(({ seat }) => seat.inFlight > 0);
    busy[n % busy.length]!.end();
  }
  const events = takers.map(({ begunEvents }) => begunEvents);
  expect(Math.max(...events) - Math.min(...events)).toBeLessThanOrEqual(2 * 50);
  expect(Math.min(...events)).toBeGreaterThan(8000);
});

it('receivers that hang or are slow take nothing from one that answers, however many they are', () => {
  const turns = new DeliveryTurns(1024);
  const slow = Array.from({ length: 2000 }, () => new Taker(turns, 1e6));
  for (const { seat } of slow) seat.ready();
  for (let n = 0; n < 4000; n += 1) {
    const taker = slow[n % 2000]!;
    if (taker.seat.inFlight > 0) taker.end(n % 2 === 0 ? Infinity : 2000);
  }
  expect(turns.inFlight).toBe(512);
  const healthy = new Taker(turns, 1000);
  healthy.seat.ready();
  // It is not known yet: one of the others has to end first, and then each of those before it has its turn.
  for (let n = 0; healthy.begunEvents === 0 && n < 10_000; n += 1)
    slow.find(({ seat }) => seat.inFlight > 0)!.end(2000);
  while (healthy.seat.inFlight > 0) healthy.end();
  expect(healthy.begunEvents).toBe(1000);
});

it('one that was prompt and hangs makes room after a second, though nothing of it ends', async () => {
  vi.useFakeTimers();
  try {
    const turns = new DeliveryTurns(16);
    const takers = Array.from({ length: 5 }, () => new Taker(turns, 1));
    for (const taker of takers) {
      taker.seat.ready();
      taker.end();
      taker.left = 1000;
    }
    const last = takers.pop()!;
    for (const { seat } of takers) seat.ready();
    last.seat.ready();
    expect(last.begunEvents).toBe(1);
    await vi.advanceTimersByTimeAsync(900);
    expect(last.begunEvents).toBe(1);
    await vi.advanceTimersByTimeAsync(2500);
    expect(last.begunEvents).toBeGreaterThan(1);
  } finally {
    vi.useRealTimers();
  }
});

it('one receiver alone may have a quarter of all requests, and a sixth while it is not known to be prompt', () => {
  const turns = new DeliveryTurns(1024);
  const taker = new Taker(turns, 1e6);
  taker.seat.ready();
  expect(taker.seat.inFlight).toBe(171);
  for (let n = 0; n < 1000; n += 1) taker.end();
  expect(taker.seat.inFlight).toBe(256);
});

it('receivers at retries or replays have fewer turns than those at first attempts', () => {
  const turns = new DeliveryTurns(2);
  const order: string[] = [];
  const [fresh, replay] = [new Taker(turns, 1e6), new Taker(turns, 1e6, 1, true)];
  for (const [name, taker] of Object.entries({ fresh, replay })) {
    const begin = taker.begin.bind(taker);
    taker.begin = () => {
      const events = begin();
      if (events > 0) order.push(name);
      // Each ends at once, so that there is always room for both and their turns alone decide.
      if (events > 0) taker.seat.ended(performance.now(), 1);
      return order.length > 5000 ? 0 : events;
    };
  }
  const blocker = new Taker(turns, 2);
  blocker.begin = () => {
    fresh.seat.ready();
    replay.seat.ready();
    return 0;
  };
  blocker.seat.ready();
  const shares = order.slice(100).filter((name) => name === 'replay').length / (order.length - 100);
  expect(shares).toBeGreaterThan(0.15);
  expect(shares).toBeLessThan(0.25);
});

it('a receiver with nothing to do takes no turns', () => {
  const turns = new DeliveryTurns();
  const idle = new Taker(turns, 0);
  idle.seat.ready();
  expect(idle.turns).toBe(1);
  const other = new Taker(turns, 5000);
  other.seat.ready();
  while (other.seat.inFlight > 0) other.end();
  expect(other.begunEvents).toBe(5000);
  expect(idle.turns).toBe(1);
});

it('a receiver that left takes no turn, and holds up nobody', () => {
  const turns = new DeliveryTurns(2);
  const [gone, next] = [new Taker(turns, 10), new Taker(turns, 3)];
  gone.seat.ready();
  next.seat.ready();
  gone.seat.leave();
  gone.end();
  while (next.seat.inFlight > 0) next.end();
  expect([gone.begunEvents, next.begunEvents]).toEqual([1, 3]);
});
