import { HeddleError, slotOf } from '@heddle/event';
import { type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { afterEach, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { Namespaces } from '../../messages/namespaces.js';
import { type TrialEngine, TrialGround } from '../../queues/engine-trial.js';
import type { Upstream } from '../protocol.js';
import { lentBody, readLent, settledText } from '../pull/pull.frames.js';
import { Deliveries } from './deliveries.js';
import { MqttSession } from './session.js';
import { Subscribing } from './subscribing.js';

const SOON = { timeout: 10_000 };
const TENANT = 'local';
const caller = callerFor();
const clients: { subscribing: Subscribing; deliveries: Deliveries }[] = [];
const engines: TrialEngine[] = [];

afterEach(async () => {
  for (const { subscribing, deliveries } of clients.splice(0)) {
    deliveries.close();
    subscribing.close();
  }
  for (const engine of engines.splice(0)) if (!engine.isDead) await engine.stop();
});

async function start(ground: TrialGround): Promise<TrialEngine> {
  const engine = await ground.startEngine();
  engines.push(engine);
  return engine;
}

function isAt(engine: TrialEngine, queue: string): boolean {
  return !engine.isDead && engine.engine.ownership.owns(slotOf(TENANT, queue));
}

function moving(): HeddleError {
  return new HeddleError('queue-elsewhere', 'Nobody works on it now.');
}

/** Rejects when an engine is dead: whoever waits for an answer of it waits no more. */
function deathOf(engine: TrialEngine): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setInterval(() => {
      if (!engine.isDead) return;
      clearInterval(timer);
      reject(moving());
    }, 5).unref();
  });
}

/** The way from one engine to the others, as HTTP is between instances: what dies leaves questions without an answer. */
function wayFrom(at: TrialEngine): Pick<Upstream, 'askQueue' | 'elsewhere'> {
  const ownerOf = (queue: string): TrialEngine | undefined => engines.find((one) => one !== at && isAt(one, queue));
  return {
    elsewhere: (_tenant, queue) => {
      const owner = isAt(at, queue) ? undefined : ownerOf(queue);
      return owner === undefined ? undefined : `http://instance-${engines.indexOf(owner)}.test`;
    },
    askQueue: async (_caller, queue, what, body, signal) => {
      const owner = ownerOf(queue);
      if (owner === undefined) throw moving();
      const limits = { depth: 32, properties: 100_000, numberChars: 100 };
      const asked = readLent(Buffer.from(JSON.stringify({ what, ...body })), limits);
      const { book } = owner.engine.queues.open(TENANT, queue);
      let text = '{}';
      if (asked.what === 'receive') {
        const { max, waitMs, leaseMs, receiver, link } = asked;
        text = lentBody(await book.waitFor({ max, leaseMs, receiver, link }, Math.min(waitMs, 50), signal)).toString();
      } else if (asked.what === 'settle') {
        const results = book.settle(asked.settlements.map(({ lease, ...rest }) => ({ token: lease, ...rest })));
        await Promise.race([owner.engine.queues.open(TENANT, queue).settled(), deathOf(owner)]);
        text = settledText(asked, results);
      } else if (asked.what === 'hand-back') book.handBack(asked.leases.map((token) => ({ token })));
      if (owner.isDead) throw moving();
      return JSON.parse(text) as unknown;
    },
  };
}

/** A client that stays connected at one instance, subscribed to queues by their names. */
async function connect(at: TrialEngine, queues: readonly string[], receiveMaximum = 100) {
  const packets: IPublishPacket[] = [];
  const lost: string[] = [];
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet: Packet) => packets.push(packet as IPublishPacket));
  const session = new MqttSession('session', 'client', caller, 0);
  const wish = { version: 5 as const, receiveMaximum, maxPacketBytes: Infinity, aliasMaximum: 0 };
  const way = {
    write: (bytes: Buffer) => void reader.parse(bytes),
    fail: (error: unknown) => expect(error).toBeUndefined(),
    isFull: false,
    receiver: { kind: 'mqtt' as const, name: 'client' },
    namespaces: new Namespaces(),
  };
  const deliveries = new Deliveries(session, wish, way);
  const home = {
    sessions: { changed: () => Promise.resolve() },
    shares: undefined as never,
    queues: at.engine.queues,
    hop: wayFrom(at),
    maxSubscriptions: 100,
    caller: () => caller,
    lost: (words: string) => void lost.push(words),
  };
  const subscribing = new Subscribing(session, deliveries, home, 5);
  clients.push({ subscribing, deliveries });
  const subscriptions = queues.map((name) => ({ topic: `queue:${name}`, qos: 1 as const }));
  const { granted } = await subscribing.subscribe({ cmd: 'subscribe', messageId: 1, properties: {}, subscriptions });
  expect(granted).toEqual(queues.map(() => 1));
  const saidOf = ({ properties }: IPublishPacket) => properties!.userProperties as Record<string, string>;
  return {
    packets,
    lost,
    saidOf,
    ids: () => packets.map((packet) => saidOf(packet)['id']),
    of: (id: string) => packets.filter((packet) => saidOf(packet)['id'] === id),
    acknowledge(...which: IPublishPacket[]) {
      for (const { messageId } of which) deliveries.acknowledged(messageId!, 0, undefined);
      deliveries.settle();
    },
  };
}

/** A queue that is at work at this instance. */
async function queueAt(engine: TrialEngine, called = 'orders'): Promise<string> {
  const name = Array.from({ length: 200 }, (_, n) => `${called}-${n}`).find((one) => isAt(engine, one))!;
  await engine.create(name, { order: 'none' });
  return name;
}

it('a client stays connected and goes on when the owner of the queue it named dies: nothing it acknowledged comes again', async () => {
  const ground = await TrialGround.make();
  const owner = await start(ground);
  const here = await start(ground);
  const queue = await queueAt(owner);
  await vi.waitFor(() => expect(here.engine.directory.queue(TENANT, queue)).toBeDefined(), SOON);
  const client = await connect(here, [queue]);
  for (const id of ['e1', 'e2', 'e3', 'e4']) await ground.append(`K-${id}`, id);
  await vi.waitFor(() => expect(client.packets).toHaveLength(4), SOON);
  client.acknowledge(...client.of('e1'));
  await vi.waitFor(() => expect(owner.queue(queue).statistics).toMatchObject({ leased: 3, accepted: 1 }), SOON);
  await owner.kill();
  // Nobody works on the queue now, and still it is said.
  client.acknowledge(...client.of('e2'));
  await vi.waitFor(() => expect(client.packets).toHaveLength(6), SOON);
  const again = client.packets.slice(4);
  expect(again.map((packet) => client.saidOf(packet)['id']).toSorted()).toEqual(['e3', 'e4']);
  for (const packet of again) {
    expect(packet.dup).toBe(true);
    expect(client.saidOf(packet)['heddle-redelivery']).toBe('maybe');
    // Of an id that is not acknowledged the client takes what comes for the same message.
    expect(client.packets.slice(0, 4).map(({ messageId }) => messageId)).not.toContain(packet.messageId);
  }
  client.acknowledge(...client.of('e3'), ...client.of('e4'));
  await ground.append('K-e5', 'e5');
  await vi.waitFor(() => expect(client.ids().at(-1)).toBe('e5'), SOON);
  expect(client.of('e5')[0]).toMatchObject({ dup: false });
  client.acknowledge(...client.of('e5'));
  await vi.waitFor(() => expect(here.queue(queue).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 }), SOON);
  expect(client.packets).toHaveLength(7);
});

it('a client stays connected when the queues it named go to another instance, as they do when one more is started', async () => {
  const ground = await TrialGround.make();
  const here = await start(ground);
  const queues = Array.from({ length: 8 }, (_, n) => `queue-${n}`);
  for (const name of queues) await here.create(name, { order: 'none' });
  const client = await connect(here, queues);
  await ground.append('K1', 'e1');
  await vi.waitFor(() => expect(client.of('e1')).toHaveLength(8), SOON);
  client.acknowledge(...client.packets);
  const other = await start(ground);
  await vi.waitFor(() => {
    const moved = queues.filter((name) => isAt(other, name));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length).toBeLessThan(queues.length);
  }, SOON);
  await ground.append('K2', 'e2');
  await vi.waitFor(() => expect(client.of('e2')).toHaveLength(8), SOON);
  client.acknowledge(...client.of('e2'));
  await other.stop();
  await ground.append('K3', 'e3');
  await vi.waitFor(() => expect(client.of('e3')).toHaveLength(8), SOON);
  expect(client.packets).toHaveLength(24);
});

it('what is on its way counts as long as the client has it, wherever it came from', async () => {
  const ground = await TrialGround.make();
  const owner = await start(ground);
  const here = await start(ground);
  const queue = await queueAt(owner);
  await vi.waitFor(() => expect(here.engine.directory.queue(TENANT, queue)).toBeDefined(), SOON);
  const client = await connect(here, [queue]);
  for (let n = 0; n < 100; n += 1) await ground.append(`K${n}`, `e${n}`);
  await vi.waitFor(() => expect(client.packets).toHaveLength(100), SOON);
  await owner.kill();
  await vi.waitFor(() => expect(isAt(here, queue)).toBe(true), SOON);
  // All that it takes at once is what came from the one that is gone.
  client.acknowledge(client.packets[0]!);
  await vi.waitFor(() => expect(client.packets).toHaveLength(101), SOON);
  client.acknowledge(...client.packets.slice(1, 100));
  // All of those it had acknowledged by then, and one more was on its way already.
  await vi.waitFor(() => expect(here.queue(queue).statistics).toMatchObject({ ready: 0, leased: 1, waiting: 0 }), SOON);
  expect(client.packets).toHaveLength(101);
});

it('what was leased elsewhere and a client could not be given yet waits for it, and costs no attempt', async () => {
  const ground = await TrialGround.make();
  const owner = await start(ground);
  const here = await start(ground);
  const queues = [await queueAt(owner, 'one'), await queueAt(owner, 'other')];
  for (let n = 0; n < 5; n += 1) await ground.append(`K${n}`, `e${n}`);
  await vi.waitFor(() => expect(here.engine.directory.queue(TENANT, queues[1]!)).toBeDefined(), SOON);
  const client = await connect(here, queues, 5);
  await vi.waitFor(() => expect(queues.map((name) => owner.queue(name).statistics.leased)).toEqual([5, 5]), SOON);
  expect(client.packets).toHaveLength(5);
  client.acknowledge(...client.packets);
  await vi.waitFor(() => expect(client.packets).toHaveLength(10), SOON);
  expect(client.packets.every((packet) => client.saidOf(packet)['heddle-attempt'] === undefined)).toBe(true);
  client.acknowledge(...client.packets.slice(5));
  for (const name of queues) {
    await vi.waitFor(() => expect(owner.queue(name).statistics).toMatchObject({ leased: 0, accepted: 5 }), SOON);
  }
});
