import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SOON, TrialQueue, TrialServer } from './queue-trial.js';

let queue: TrialQueue;
let server: TrialServer;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
});

afterEach(() => server.close());

it('of an exclusive queue one connection is given deliveries, and the next one once that is gone', async () => {
  queue.rules = { exclusive: true };
  const first = await server.connect();
  const second = await server.connect();
  second.say({ kind: 'credit', add: 10 });
  await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(1), SOON);
  queue.add(2);
  first.say({ kind: 'credit', add: 1 });
  first.accept(await first.receive(1));
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  expect(second.ids).toEqual([]);
  first.socket.terminate();
  await second.receive(1);
  expect(second.ids).toEqual(['e2']);
});

it('a connection that goes on for one that may be gone takes its place on an exclusive queue', async () => {
  queue.rules = { exclusive: true };
  const first = await server.connect();
  const connection = first.of('ready')[0]!['connection'];
  // It does not answer any more, as behind a network that is gone.
  first.socket.pause();
  const second = await server.connect({ resume: { connection, leases: [] } });
  queue.add(1);
  second.say({ kind: 'credit', add: 1 });
  await second.receive(1);
  expect(second.ids).toEqual(['e1']);
});

it('a connection has no more out than its queue lets one have, whatever it asks for', async () => {
  queue.rules = { exclusive: false, maxUnacknowledged: 2 };
  const [one, other] = [await server.connect(), await server.connect()];
  queue.add(5);
  one.say({ kind: 'credit', add: 100 });
  const deliveries = await one.receive(2);
  other.say({ kind: 'credit', add: 100 });
  await other.receive(2);
  one.accept(deliveries.slice(0, 1));
  await one.receive(3);
  expect([...one.ids, ...other.ids].toSorted()).toEqual(['e1', 'e2', 'e3', 'e4', 'e5']);
});
