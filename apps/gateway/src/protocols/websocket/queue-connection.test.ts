import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Delivery, SOON, TrialQueue, TrialServer } from './queue-trial.js';

let queue: TrialQueue;
let server: TrialServer;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
});

afterEach(() => server.close());

describe('deliveries', () => {
  it('a hello is answered with the queue, its epoch, and how long a lease lasts', async () => {
    const client = await server.connect({ id: 'h1', leaseMs: 5000 });
    expect(client.frames[0]).toMatchObject({ kind: 'ready', id: 'h1', queue: 'orders', epoch: 7, leaseMs: 5000 });
    queue.add(1);
    client.say({ kind: 'credit', add: 1 });
    const [delivery] = await client.receive(1);
    expect(delivery).toMatchObject({
      attempt: 1,
      redelivery: 'no',
      event: { specversion: '1.0', id: 'e1', data: { text: 'xxxxxxxxxx' } },
    });
    const leftMs = Date.parse(delivery!.expiresAt) - Date.now();
    expect(leftMs).toBeGreaterThan(3000);
    expect(leftMs).toBeLessThanOrEqual(5000);
  });

  it('never are more given than were asked for, and what is left follows when more is asked for', async () => {
    const client = await server.connect();
    queue.add(500);
    client.say({ kind: 'credit', add: 7 });
    await client.receive(7);
    client.say({ kind: 'credit', add: 300 });
    await client.receive(307);
    // A round trip later there is still nothing else.
    client.accept(client.deliveries.slice(0, 10));
    await vi.waitFor(() => expect(client.results).toHaveLength(10), SOON);
    expect(client.deliveries).toHaveLength(307);
    expect(queue.out.size).toBe(297);
    client.say({ kind: 'credit', add: 193 });
    await client.receive(500);
    expect(client.ids).toEqual(Array.from({ length: 500 }, (_, n) => `e${n + 1}`));
  });

  it('many come in one frame, up to the batch asked for and to about 64 KiB', async () => {
    const small = await server.connect({ batch: 50 });
    queue.add(500);
    small.say({ kind: 'credit', add: 500 });
    await small.receive(500);
    expect(small.of('deliveries').length).toBeLessThan(30);
    const sizes = small.of('deliveries').map(({ deliveries }) => (deliveries as unknown[]).length);
    expect(Math.max(...sizes)).toBe(50);
    const large = await server.connect();
    queue.add(40, 20_000);
    large.say({ kind: 'credit', add: 40 });
    await large.receive(40);
    const bytes = large.of('deliveries').map((frame) => JSON.stringify(frame).length);
    expect(Math.max(...bytes)).toBeLessThan(64 * 1024 + 21_000);
  });

  it('what becomes ready later is given to who waits, once, to the one who waited longest', async () => {
    const [first, second] = [await server.connect(), await server.connect()];
    first.say({ kind: 'credit', add: 1 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(1), SOON);
    second.say({ kind: 'credit', add: 10 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(2), SOON);
    queue.add(3);
    await first.receive(1);
    await second.receive(2);
    expect([...first.ids, ...second.ids]).toEqual(['e1', 'e2', 'e3']);
  });

  it('a connection that waits needs neither a timer nor a turn', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const first = await server.connect();
    first.say({ kind: 'credit', add: 100 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(1), SOON);
    const before = timers();
    for (let n = 0; n < 30; n += 1) (await server.connect()).say({ kind: 'credit', add: 100 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(31), SOON);
    expect(timers()).toBeLessThanOrEqual(before + 1);
    expect(process.getActiveResourcesInfo()).not.toContain('Immediate');
    queue.add(1);
    await first.receive(1);
  });
});

describe('settlement', () => {
  it('each is answered in its order: accepted, released and given again with its count, rejected, unknown', async () => {
    const client = await server.connect();
    queue.add(3);
    client.say({ kind: 'credit', add: 10 });
    const [one, two, three] = await client.receive(3);
    client.say({
      kind: 'settle',
      id: 's1',
      settlements: [
        { lease: one!.lease, action: 'accept' },
        { lease: two!.lease, action: 'release', delayMs: 1, reason: 'busy' },
        { lease: three!.lease, action: 'reject', reason: 'no such order' },
        { lease: 'not "ours"', action: 'accept' },
      ],
    });
    const again = (await client.receive(4))[3]!;
    expect(client.of('settled')[0]).toEqual({
      kind: 'settled',
      id: 's1',
      results: [
        { lease: one!.lease, state: 'accepted' },
        { lease: two!.lease, state: 'released', dueAt: expect.stringMatching(/^\d{4}-.*Z$/) as string },
        { lease: three!.lease, state: 'rejected' },
        { lease: 'not "ours"', code: 'lease-unknown' },
      ],
    });
    expect(again).toMatchObject({ attempt: 2, redelivery: 'yes', event: { id: 'e2' } });
    expect(again.lease).not.toBe(two!.lease);
    expect(queue.accepted).toEqual(['e1']);
    expect(queue.rejected).toEqual([{ id: 'e3', reason: 'no such order' }]);
  });

  it('is answered when it is durable, not before', async () => {
    const stored = Promise.withResolvers<void>();
    const client = await server.connect();
    queue.add(1);
    client.say({ kind: 'credit', add: 5 });
    const deliveries = await client.receive(1);
    queue.durable = stored.promise;
    client.accept(deliveries);
    await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
    queue.add(1);
    await client.receive(2);
    expect(client.results).toEqual([]);
    stored.resolve();
    await vi.waitFor(() => expect(client.results).toHaveLength(1), SOON);
  });

  it('that cannot be made durable is answered with the problem and the id of its frame', async () => {
    const client = await server.connect();
    queue.add(1);
    client.say({ kind: 'credit', add: 5 });
    const [{ lease }] = (await client.receive(1)) as [Delivery];
    queue.durable = Promise.reject(new HeddleError('log-unavailable', 'The log did not answer.'));
    queue.durable.catch(() => undefined);
    client.say({ kind: 'settle', id: 's1', settlements: [{ lease, action: 'accept' }] });
    await vi.waitFor(() => expect(client.of('problem')).toHaveLength(1), SOON);
    expect(client.of('problem')[0]).toMatchObject({ id: 's1', code: 'log-unavailable', retryable: true, status: 503 });
    queue.durable = Promise.resolve();
    client.say({ kind: 'settle', id: 's2', settlements: [{ lease, action: 'accept' }] });
    await vi.waitFor(() => expect(client.results).toEqual([{ lease, state: 'accepted' }]), SOON);
  });

  it('a lease that runs out is given again, marked; one that is renewed is not; the late answer has its own code', async () => {
    await server.close();
    queue = new TrialQueue(1000);
    server = await new TrialServer(queue).listen();
    const client = await server.connect();
    queue.add(2);
    client.say({ kind: 'credit', add: 10 });
    const [kept, late] = await client.receive(2);
    client.say({ kind: 'settle', settlements: [{ lease: kept!.lease, action: 'renew', leaseMs: 60_000 }] });
    await vi.waitFor(() => expect(client.results).toHaveLength(1), SOON);
    expect(client.results[0]).toMatchObject({ state: 'renewed', lease: kept!.lease });
    const again = (await client.receive(3))[2]!;
    expect(again).toMatchObject({ attempt: 2, redelivery: 'yes', event: { id: 'e2' } });
    client.accept([kept!, late!, again]);
    await vi.waitFor(() => expect(client.results).toHaveLength(4), SOON);
    expect(client.results.slice(1)).toMatchObject([
      { state: 'accepted' },
      { code: 'lease-expired' },
      { state: 'accepted' },
    ]);
  });
});

describe('a connection that is lost', () => {
  it('keeps its leases for the client that comes back; what never reached it comes again at once', async () => {
    const before = await server.connect();
    queue.add(4);
    before.say({ kind: 'credit', add: 4 });
    const [one, two] = await before.receive(4);
    before.socket.terminate();
    await vi.waitFor(() => expect(queue.watchers).toBe(0), SOON);
    const { connection } = before.of('ready')[0]!;
    const after = await server.connect({ resume: { connection, leases: [one!.lease, two!.lease, 'foreign'] } });
    const inTime = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect(after.of('ready')[0]).toMatchObject({
      resumed: {
        held: [
          { lease: one!.lease, expiresAt: inTime },
          { lease: two!.lease, expiresAt: inTime },
        ],
        lost: [{ lease: 'foreign', code: 'lease-unknown' }],
        returned: 2,
      },
    });
    after.say({ kind: 'credit', add: 10 });
    const again = await after.receive(2);
    expect(again).toMatchObject([
      { redelivery: 'yes', attempt: 2, event: { id: 'e3' } },
      { redelivery: 'yes', attempt: 2, event: { id: 'e4' } },
    ]);
    after.accept([one!, two!, ...again]);
    await vi.waitFor(() => expect(queue.accepted.toSorted()).toEqual(['e1', 'e2', 'e3', 'e4']), SOON);
  });

  it('can be gone on for by leases alone', async () => {
    const before = await server.connect();
    queue.add(2);
    before.say({ kind: 'credit', add: 2 });
    const [one, two] = await before.receive(2);
    before.socket.terminate();
    const after = await server.connect({ resume: { leases: [two!.lease] } });
    expect(after.of('ready')[0]).toMatchObject({ resumed: { held: [{ lease: two!.lease }], lost: [], returned: 0 } });
    after.accept([one!, two!]);
    await vi.waitFor(() => expect(queue.accepted).toEqual(['e1', 'e2']), SOON);
  });

  it('whose end nobody has noticed is closed when its client goes on elsewhere', async () => {
    const before = await server.connect();
    queue.add(1);
    before.say({ kind: 'credit', add: 10 });
    const [one] = await before.receive(1);
    const after = await server.connect({
      resume: { connection: before.of('ready')[0]!.connection, leases: [one!.lease] },
    });
    expect(await before.closed).toBe(4409);
    expect(before.frames.at(-1)).toEqual({ kind: 'closing', reason: 'replaced' });
    after.say({ kind: 'credit', add: 10 });
    queue.add(1);
    await after.receive(1);
    expect(after.ids).toEqual(['e2']);
  });

  it('is given nothing any more, and uses up no attempt', async () => {
    const before = await server.connect();
    before.say({ kind: 'credit', add: 10 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(1), SOON);
    before.socket.terminate();
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(0), SOON);
    queue.add(1);
    const after = await server.connect();
    after.say({ kind: 'credit', add: 10 });
    expect(await after.receive(1)).toMatchObject([{ attempt: 1, redelivery: 'no' }]);
  });
});

describe('a client that does not read', () => {
  it('is leased no more than the network takes and a bound, and gets all of it when it reads', async () => {
    const client = await server.connect();
    client.socket.pause();
    client.say({ kind: 'credit', add: 10_000 });
    queue.add(10_000, 4096);
    let leased = -1;
    await vi.waitFor(
      () => {
        const before = leased;
        leased = queue.out.size;
        expect(leased).toBe(before);
      },
      { ...SOON, interval: 200 },
    );
    expect(leased).toBeGreaterThan(0);
    expect(leased).toBeLessThan(5000);
    client.socket.resume();
    await vi.waitFor(() => expect(client.deliveries).toHaveLength(10_000), { timeout: 20_000, interval: 100 });
    expect(new Set(client.ids).size).toBe(10_000);
  }, 30_000);

  it('is let go after a while', async () => {
    await server.close();
    queue = new TrialQueue();
    server = await new TrialServer(queue, 1000).listen();
    const client = await server.connect();
    client.socket.pause();
    client.say({ kind: 'credit', add: 10_000 });
    queue.add(10_000, 4096);
    await vi.waitFor(() => expect(queue.out.size).toBeGreaterThan(0), SOON);
    await vi.waitFor(() => expect(queue.watchers).toBe(1), SOON);
    const gone = client.closed;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    client.socket.resume();
    expect(await gone).toBe(4408);
    expect(client.frames.at(-1)).toEqual({ kind: 'closing', reason: 'slow' });
    expect(client.deliveries.length).toBeLessThan(10_000);
  });
});

it('a client whose frames come faster than its rate is read as fast as that, and everything it says is answered', async () => {
  const slow = await new TrialServer(queue, undefined, { limitClientEventsPerSecond: 20 }).listen();
  onTestFinished(() => slow.close());
  queue.add(60);
  const client = await slow.connect();
  client.say({ kind: 'credit', add: 60 });
  await client.receive(60);
  const before = performance.now();
  for (const delivery of client.deliveries) client.accept([delivery]);
  await vi.waitFor(() => expect(client.results).toHaveLength(60), SOON);
  // Of 60 frames 18 at once, and 20 a second from then on.
  expect(performance.now() - before).toBeGreaterThan(1500);
  expect(queue.accepted).toHaveLength(60);
});
