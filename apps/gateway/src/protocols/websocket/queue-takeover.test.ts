import { expect, it, vi } from 'vitest';
import { TrialGround } from '../../queues/engine-trial.js';
import { SOON, type TrialClient, TrialServer } from './queue-trial.js';

it('a client goes on at the instance that took its queue over: what it had accepted is done, the rest comes again, marked', async () => {
  const ground = await TrialGround.make();
  const one = await ground.startEngine();
  await one.create('orders', { order: 'none' });
  const first = await new TrialServer(one.engine.queues).listen();
  for (let n = 1; n <= 6; n += 1) await ground.append(`K${n}`, `e${n}`);
  const before = await first.connect();
  before.say({ kind: 'credit', add: 10 });
  const deliveries = await before.receive(6);
  const done = deliveries.filter(({ event }) => Number(event.id.slice(1)) <= 2);
  before.accept(done);
  await vi.waitFor(() => expect(before.results).toMatchObject([{ state: 'accepted' }, { state: 'accepted' }]), SOON);

  const two = await ground.startEngine();
  const second = await new TrialServer(two.engine.queues).listen();
  await one.stop();
  expect(await before.closed).toBe(4421);
  expect(before.frames.at(-1)).toEqual({ kind: 'closing', reason: 'moved' });
  const open = deliveries.filter((delivery) => !done.includes(delivery)).map(({ lease }) => lease);
  const resume = { connection: before.of('ready')[0]!.connection, leases: open };
  let after: TrialClient | undefined;
  await vi.waitFor(async () => {
    after = await second.connect({ resume });
  }, SOON);
  expect(after!.of('ready')[0]).toMatchObject({
    resumed: { held: [], lost: open.map((lease) => ({ lease, code: 'lease-lost' })), returned: 0 },
  });
  expect(after!.of('ready')[0]!.epoch).toBeGreaterThan(before.of('ready')[0]!.epoch as number);
  after!.say({ kind: 'credit', add: 10 });
  const again = await after!.receive(4);
  expect(again.map(({ event }) => event.id).toSorted()).toEqual(['e3', 'e4', 'e5', 'e6']);
  expect(again.map(({ redelivery }) => redelivery)).not.toContain('no');
  after!.accept(again);
  await vi.waitFor(() => expect(after!.results).toHaveLength(4), SOON);
  await ground.append('K7', 'e7');
  await vi.waitFor(() => expect(after!.ids.at(-1)).toBe('e7'), SOON);
  expect(after!.deliveries.at(-1)).toMatchObject({ attempt: 1, redelivery: 'no' });
  await first.close();
  await second.close();
  await two.stop();
});
