import { setTimeout as delay } from 'node:timers/promises';
import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import { type AmqpPeer, described } from './amqp-peer-trial.js';
import { AmqpTrial, SOON, TOPIC, until } from './amqp-trial.js';
import { AmqpWriter } from './amqp-writer.js';

const IDLE_MS = 2000;

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start({ amqpIdleSeconds: IDLE_MS / 1000 });
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

/** Says every now and then that it is there, as a client does. */
function alive(peer: AmqpPeer): () => void {
  const timer = setInterval(() => peer.socket.write(Buffer.from([0, 0, 0, 8, 2, 0, 0, 0])), IDLE_MS / 4);
  return () => clearInterval(timer);
}

async function receiving(queue: string, credit: number): Promise<AmqpPeer> {
  const peer = await trial.peer();
  peer.receive(0, 'r', `queue:${queue}`);
  await peer.next('attach');
  peer.credit(0, credit);
  return peer;
}

describe('a frame', () => {
  it('has no more bytes than were agreed, and one that has ends its connection', async () => {
    const peer = await trial.peer();
    peer.say(0, 0x12, ['x'.repeat(70_000), 0, true]);
    expect((await peer.next('close')).error).toMatchObject({ condition: 'amqp:connection:framing-error' });
    await peer.closed();
  });

  it('that could not be taken is not made: a link whose names need more is refused', async () => {
    const peer = await trial.peer({ frames: 512 });
    peer.receive(0, 'x'.repeat(400), 'queue:q');
    expect((await peer.next('close')).error?.description).toContain('within the frames');
    expect(peer.largestFrame).toBeLessThanOrEqual(512);
  });

  it('is agreed to have 512 bytes at least', async () => {
    const peer = await trial.silentPeer();
    peer.say(0, 0x10, ['peer', null, 511]);
    expect((await peer.next('close')).error?.condition).toBe('amqp:connection:framing-error');
  });
});

describe('an idle connection', () => {
  it('is told how long it may be silent: half of what is waited', async () => {
    const peer = await trial.silentPeer();
    peer.say(0, 0x10, ['peer', null, 65_536]);
    expect((await peer.next('open')).idleTimeoutMs).toBe(IDLE_MS / 2);
  });

  it('hears something in the time that its client waits for', async () => {
    const peer = await trial.peer({ idleMs: 500 });
    const stop = alive(peer);
    await vi.waitFor(() => expect(peer.heartbeats).toBeGreaterThan(5), SOON);
    stop();
    expect(peer.isClosed).toBe(false);
  });

  it('is refused to a client that waits for less than can be kept', async () => {
    const peer = await trial.silentPeer();
    peer.say(0, 0x10, ['peer', null, 65_536, null, 100]);
    expect((await peer.next('close')).error).toMatchObject({ condition: 'amqp:not-allowed' });
  });

  it('is let go when nothing is heard of its client, and what that had comes again', async () => {
    const queue = await trial.newQueue();
    await trial.publish(2);
    const silent = await receiving(queue, 10);
    await silent.next('transfer');
    const begun = performance.now();
    expect((await silent.next('close')).error).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
    expect(performance.now() - begun).toBeGreaterThan(IDLE_MS - 500);
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 2);
    expect(receiver.messages.map(({ message }) => message.delivery_count)).toEqual([1, 1]);
  });
});

/** What a count comes to when it rises no more. */
async function atRest(count: () => Promise<number>): Promise<number> {
  let [before, now] = [0, await count()];
  while (now === 0 || now !== before) {
    before = now;
    await delay(500);
    now = await count();
  }
  return now;
}

/** Publishes messages of a size to a queue, by a client that waits for its credit. */
async function fill(queue: string, count: number, bytes: number): Promise<void> {
  const sender = await (await trial.tcp()).sender(`queue:${queue}`);
  const body = rhea.message.data_section(Buffer.alloc(bytes, 'x'));
  for (let n = 0; n < count; n += 1) {
    await vi.waitFor(() => expect(sender.link.sendable()).toBe(true), SOON);
    sender.link.send({ body, content_type: 'text/plain' });
    if (n % 50 === 49) await delay(1);
  }
  await vi.waitFor(() => expect(sender.outcomes).toHaveLength(count), { timeout: 30_000 });
}

describe('a client that does not read', () => {
  it('is given no more than the network takes, holds up nobody, and gets all of it once it reads', async () => {
    const COUNT = 600;
    const [slowQueue, other] = [
      await trial.newQueue({ types: undefined, topicPatterns: [], maxInFlight: 10_000 }),
      await trial.newQueue(),
    ];
    await fill(slowQueue, COUNT, 50_000);
    const slow = await trial.peer();
    const stop = alive(slow);
    slow.receive(0, 'r', `queue:${slowQueue}`);
    await slow.next('attach');
    slow.socket.pause();
    slow.credit(0, COUNT);
    await vi.waitFor(async () => expect((await trial.statistics(slowQueue)).leased).toBeGreaterThan(20), SOON);
    const receiver = await (await trial.tcp()).receiver(`queue:${other}`, { credit_window: 10 } as never);
    await trial.publish(5);
    await until(receiver, 5);
    // What the system keeps for a socket, and one batch that is leased and not written.
    expect((await trial.statistics(slowQueue)).leased).toBeLessThan(COUNT * 0.8);
    slow.socket.resume();
    await vi.waitFor(() => expect(slow.all('transfer').filter(({ more }) => !more)).toHaveLength(COUNT), {
      timeout: 20_000,
    });
    stop();
  }, 60_000);

  it('costs what was not written to it no attempt', async () => {
    const COUNT = 600;
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [], maxInFlight: 10_000 });
    await fill(queue, COUNT, 50_000);
    const slow = await trial.peer();
    slow.receive(0, 'r', `queue:${queue}`);
    await slow.next('attach');
    slow.socket.pause();
    slow.credit(0, COUNT);
    const leased = await atRest(async () => (await trial.statistics(queue)).leased!);
    slow.socket.destroy();
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 1000 } as never);
    await until(receiver, COUNT);
    const tried = receiver.messages.filter(({ message }) => message.delivery_count! > 0).length;
    expect(tried).toBeGreaterThan(0);
    expect(tried).toBeLessThan(leased);
  }, 60_000);
});

describe('a client that reads none of its answers', () => {
  it('is not read either, so that they are not kept without end', async () => {
    const peer = await trial.peer();
    peer.socket.pause();
    const one = flowsThatAskForAnswers(2000);
    const ALL_BYTES = 80_000_000;
    let taken = 0;
    const isTaken = () => new Promise<boolean>((resolve) => peer.socket.write(one, () => resolve(true)));
    while (taken < ALL_BYTES && (await Promise.race([isTaken(), delay(2000, false)]))) taken += one.length;
    // As much as the system keeps for both ways, and a little.
    expect(taken).toBeLessThan(ALL_BYTES / 2);
  }, 60_000);

  it('is cut off when it does not begin to within the time that clients may be slow', async () => {
    const SLOW_MS = 600;
    const impatient = await AmqpTrial.start({}, { limits: new Limits({ ...LIMIT_VALUES, limitSlowMs: SLOW_MS }) });
    try {
      const peer = await impatient.peer();
      peer.socket.pause();
      const one = flowsThatAskForAnswers(2000);
      for (let n = 0; n < 500; n += 1) peer.socket.write(one);
      await vi.waitFor(() => expect(impatient.door.size).toBe(0), SOON);
      // Others are not.
      await impatient.tcp();
    } finally {
      await impatient.closeClients();
      await impatient.stop();
    }
  }, 30_000);
});

/** Flows of a session, each of which has to be answered. */
function flowsThatAskForAnswers(count: number): Buffer {
  const writer = new AmqpWriter();
  for (let n = 0; n < count; n += 1) {
    const frame = writer.beginFrame(0, 0);
    described(0x13, 0, 10_000, 0, 10_000, null, null, null, null, null, true)(writer);
    writer.endFrame(frame);
  }
  return Buffer.from(writer.take());
}

describe('a client that settles nothing with a credit of thousands', () => {
  it('gets what its credit asks for, and starves neither its other links nor anybody else', async () => {
    const COUNT = 3000;
    const [queue, other] = [
      await trial.newQueue({ maxInFlight: 10_000 }),
      await trial.newQueue({ types: undefined, topicPatterns: [] }),
    ];
    const hog = await receiving(queue, 5000);
    const stop = alive(hog);
    const sender = await (await trial.tcp()).sender(TOPIC);
    for (let n = 0; n < COUNT; n += 1) {
      await vi.waitFor(() => expect(sender.link.sendable()).toBe(true), SOON);
      sender.link.send({ body: trial.contract(`K${n}`) });
    }
    await vi.waitFor(() => expect(hog.all('transfer')).toHaveLength(COUNT), { timeout: 30_000 });
    hog.receive(1, 'other', `queue:${other}`);
    hog.credit(1, 1);
    await fill(other, 2, 10);
    await vi.waitFor(() => expect(hog.all('transfer').some(({ handle }) => handle === 1)).toBe(true), SOON);
    const receiver = await (await trial.tcp()).receiver(`queue:${other}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    stop();
  }, 60_000);

  it('leaves the rest to others where a queue says how much one receiver may have', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [], maxUnacknowledged: 10 });
    const hog = await receiving(queue, 5000);
    const stop = alive(hog);
    await fill(queue, 30, 10);
    await vi.waitFor(() => expect(hog.all('transfer')).toHaveLength(10), SOON);
    const receiver = await (await trial.tcp()).receiver(`queue:${queue}`, { credit_window: 100 } as never);
    receiver.link.on('message', ({ delivery }) => void delivery!.accept());
    await until(receiver, 20);
    expect(hog.all('transfer')).toHaveLength(10);
    stop();
  });
});
