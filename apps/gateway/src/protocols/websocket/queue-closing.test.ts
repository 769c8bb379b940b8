import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Delivery, SOON, TrialQueue, TrialServer } from './queue-trial.js';

let queue: TrialQueue;
let server: TrialServer;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
});

afterEach(() => server.close());

describe('the end', () => {
  it.each([
    ['moved', 4421],
    ['deleted', 4410],
  ] as const)('a queue that is %s says so, and closes with %i', async (reason, code) => {
    const [waits, idle] = [await server.connect(), await server.connect()];
    waits.say({ kind: 'credit', add: 1 });
    await vi.waitFor(() => expect(queue.book.counts.waiting).toBe(1), SOON);
    queue.close(reason);
    for (const client of [waits, idle]) {
      expect(await client.closed).toBe(code);
      expect(client.frames.at(-1)).toEqual({ kind: 'closing', reason });
    }
  });

  it('a gateway that stops answers what is under way first, and leases nothing more', async () => {
    const client = await server.connect();
    queue.add(1);
    client.say({ kind: 'credit', add: 10 });
    const deliveries = await client.receive(1);
    const stored = Promise.withResolvers<void>();
    queue.durable = stored.promise;
    client.accept(deliveries);
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(1), SOON);
    server.connections.close();
    queue.add(1);
    stored.resolve();
    expect(await client.closed).toBe(1001);
    expect(client.frames.slice(-2)).toMatchObject([{ kind: 'settled' }, { kind: 'closing', reason: 'stopping' }]);
    expect(client.ids).toEqual(['e1']);
    expect(queue.out.size).toBe(0);
  });
});

describe('what is not understood', () => {
  it('is a problem that names the field and the rule, does nothing, and leaves the connection as it was', async () => {
    const client = await server.connect();
    queue.add(1);
    client.say({ kind: 'credit', add: 1 });
    const [{ lease }] = (await client.receive(1)) as [Delivery];
    const settlements = [
      { lease, action: 'accept' },
      { lease, action: 'ack' },
    ];
    for (const [frame, field] of [
      [{ kind: 'subscribe', id: 'x' }, 'kind'],
      [{ kind: 'hello', id: 'x' }, 'kind'],
      [{ kind: 'credit', id: 'x', add: 0 }, 'add'],
      [{ kind: 'credit', id: 'x', add: 10_001 }, 'add'],
      [{ kind: 'settle', id: 'x', settlements }, 'settlements.1.action'],
      [{ kind: 'settle', id: 'x', settlements: [{ lease, action: 'accept', delay: 1 }] }, 'settlements.0.delay'],
      [{ kind: 'settle', id: 'x', settlements: [] }, 'settlements'],
    ] as const) {
      const count = client.of('problem').length;
      client.say(frame);
      await vi.waitFor(() => expect(client.of('problem')).toHaveLength(count + 1), SOON);
      expect(client.of('problem').at(-1), field).toMatchObject({ id: 'x', code: 'frame-invalid', status: 400, field });
    }
    expect(queue.out.size).toBe(1);
    client.accept(client.deliveries);
    await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  });

  it('before the hello is anything else', async () => {
    const client = await server.open();
    queue.add(1);
    client.say({ kind: 'credit', add: 1 });
    await vi.waitFor(() => expect(client.of('problem')).toMatchObject([{ field: 'kind' }]), SOON);
    client.say({ kind: 'hello' });
    client.say({ kind: 'credit', add: 1 });
    await client.receive(1);
  });

  it('credit beyond what may be open is refused, and the open one stays', async () => {
    const client = await server.connect();
    client.say({ kind: 'credit', add: 9000 });
    client.say({ kind: 'credit', add: 1001 });
    await vi.waitFor(() => expect(client.of('problem')).toMatchObject([{ field: 'add' }]), SOON);
    client.say({ kind: 'credit', add: 1000 });
    queue.add(1);
    await client.receive(1);
    expect(client.of('problem')).toHaveLength(1);
  });

  it('ten times in a row, or said in bytes, ends the connection', async () => {
    const wrong = await server.connect();
    for (let n = 0; n < 10; n += 1) wrong.socket.send('{');
    expect(await wrong.closed).toBe(1008);
    expect(wrong.of('problem')).toHaveLength(10);
    const binary = await server.connect();
    binary.socket.send(Buffer.from('{"kind":"credit","add":1}'));
    expect(await binary.closed).toBe(1003);
    const long = await server.connect();
    long.socket.send(' '.repeat(1024 * 1024 + 1));
    expect(await long.closed).toBe(1009);
  });
});
