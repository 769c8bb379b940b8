import type { Caller } from '@heddle/auth';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, TrialQueue, TrialServer } from './queue-trial.js';

let queue: TrialQueue;
let server: TrialServer;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
});

afterEach(() => server.close());

/** Somebody whose token ends after so many milliseconds. */
function endingIn(ms: number, client = 'tester', permissions = ['*'], tenant = 'local'): Caller {
  return { ...callerFor(tenant, permissions, client), expiresAt: Date.now() + ms };
}

describe('a connection', () => {
  it('ends soon after its token, with its reason, and what it was given stays leased', async () => {
    const client = await server.connect({}, endingIn(200));
    queue.add(2);
    client.say({ kind: 'credit', add: 1 });
    await client.receive(1);
    expect(await client.closed).toBe(4401);
    expect(client.frames.at(-1)).toEqual({ kind: 'closing', reason: 'expired' });
    expect(queue.out.size).toBe(1);
  });

  it('ends when the rights of its client are taken, and those of others go on', async () => {
    const [taken, other] = [endingIn(60_000, 'taken'), endingIn(60_000, 'other')];
    const [client, goesOn] = [await server.connect({}, taken), await server.connect({}, other)];
    server.guard.revoke(taken);
    expect(await client.closed).toBe(4401);
    expect(client.frames.at(-1)).toEqual({ kind: 'closing', reason: 'revoked' });
    queue.add(1);
    goesOn.say({ kind: 'credit', add: 1 });
    await goesOn.receive(1);
  });

  it('goes on with a new token of its client, until that one ends', async () => {
    const client = await server.connect({}, endingIn(200));
    const later = endingIn(600);
    client.say({ kind: 'authenticate', id: 'a', token: server.guard.tokenFor(later) });
    await vi.waitFor(() => expect(client.of('authenticated')).toHaveLength(1), SOON);
    expect(client.of('authenticated')).toEqual([
      { kind: 'authenticated', id: 'a', expiresAt: new Date(later.expiresAt).toISOString() },
    ]);
    expect(await client.closed).toBe(4401);
    expect(Date.now()).toBeGreaterThanOrEqual(later.expiresAt);
  });

  it.each([
    ['another client', () => endingIn(60_000, 'other'), 'token-invalid'],
    ['the same name in another tenant', () => endingIn(60_000, 'tester', ['*'], 'acme'), 'token-invalid'],
    [
      'its client without the right to the queue',
      () => endingIn(60_000, 'tester', ['consume:queue:x']),
      'permission-missing',
    ],
  ])('does not go on with a token of %s, and still ends with its own', async (_whose, caller, code) => {
    const client = await server.connect({}, endingIn(500));
    client.say({ kind: 'authenticate', id: 'a', token: server.guard.tokenFor(caller()) });
    await vi.waitFor(() => expect(client.of('problem')).toMatchObject([{ id: 'a', code }]), SOON);
    queue.add(1);
    client.say({ kind: 'credit', add: 1 });
    await client.receive(1);
    expect(await client.closed).toBe(4401);
    expect(client.of('authenticated')).toEqual([]);
  });

  it('ends when tokens are guessed on it', async () => {
    const client = await server.connect();
    for (let n = 0; n < 10; n += 1) {
      client.say({ kind: 'authenticate', token: `guess.${n}.guess` });
      await vi.waitFor(() => expect(client.of('problem')).toHaveLength(n + 1), SOON);
    }
    expect(await client.closed).toBe(1008);
  });
});

it('a queue is not open to whoever may not consume it, and not there for another tenant', async () => {
  const asked: string[] = [];
  vi.spyOn(queue, 'open').mockImplementation(((tenant: string, name: string) => {
    asked.push(`${tenant}/${name}`);
    return queue;
  }) as never);
  const denied = server.open(callerFor('acme', ['consume:queue:invoices', 'manage:queue:*']));
  await expect(denied).rejects.toThrow('403');
  expect(asked).toEqual([]);
  await server.connect({}, callerFor('acme', ['consume:queue:orders']));
  expect(asked).toEqual(['acme/orders']);
});

it('nobody goes on for the connection of another tenant, although its queue has the same name and epoch', async () => {
  const [acme, other] = [endingIn(60_000, 'one', ['*'], 'acme'), endingIn(60_000, 'one', ['*'], 'other')];
  const client = await server.connect({}, acme);
  queue.add(1);
  client.say({ kind: 'credit', add: 1 });
  await client.receive(1);
  const { connection } = client.of('ready')[0]!;
  const foreign = await server.connect({ resume: { connection, leases: [] } }, other);
  expect(foreign.of('ready')).toMatchObject([{ resumed: { returned: 0 } }]);
  client.accept(client.deliveries);
  await vi.waitFor(() => expect(client.results).toMatchObject([{ state: 'accepted' }]), SOON);
});
