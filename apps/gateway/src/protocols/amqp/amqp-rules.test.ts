import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AmqpTrial, SOON } from './amqp-trial.js';
import { ACCEPTED_STATE, type AmqpPeer, type Value, described, symbol, ubyte } from './amqp-peer-trial.js';
import type { AmqpWriter } from './amqp-writer.js';
import { bareBytes } from './message-sections.js';

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start();
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

function message(body: string | Buffer): Buffer {
  const properties = { contentType: 'text/plain' };
  return bareBytes({ properties, applicationProperties: [], body: Buffer.from(body) });
}

/** A queue that gets only what is published to itself. */
function newQueue(definition: Record<string, unknown> = {}): Promise<string> {
  return trial.newQueue({ types: undefined, topicPatterns: [], ...definition });
}

/** A sender of a peer that may send. */
async function sender(peer: AmqpPeer, handle: number, address: string): Promise<void> {
  peer.send(handle, `sender-${handle}`, address);
  await peer.next('attach');
  await peer.next('flow');
}

async function publish(queue: string, bodies: readonly (string | Buffer)[]): Promise<void> {
  const peer = await trial.peer();
  await sender(peer, 0, `queue:${queue}`);
  for (const [id, body] of bodies.entries()) peer.transfer(0, id, message(body));
  const settled = () => peer.all('disposition').reduce((sum, { first, last }) => sum + last - first + 1, 0);
  await vi.waitFor(() => expect(settled()).toBe(bodies.length), SOON);
  peer.socket.destroy();
}

describe('a session', () => {
  it('that breaks a rule is ended with its name, and the connection begins another', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    const broken: [() => void, string][] = [
      [() => peer.receive(0, 'second', `queue:${queue}`), 'amqp:session:handle-in-use'],
      [() => peer.credit(7, 1), 'amqp:session:unattached-handle'],
      [() => peer.transfer(7, 0, message('x')), 'amqp:session:unattached-handle'],
      [() => peer.say(0, 0x16, [7, true]), 'amqp:session:unattached-handle'],
    ];
    for (const [breakRule, condition] of broken) {
      peer.receive(0, 'first', `queue:${queue}`);
      await peer.next('attach');
      breakRule();
      expect((await peer.next('end')).error?.condition).toBe(condition);
      // What was on its way is passed over, and its own end is not answered again.
      peer.credit(0, 1);
      peer.say(0, 0x17, []);
      peer.begin(0);
      await peer.next('begin');
    }
    expect(peer.all('end')).toHaveLength(broken.length);
  });

  it('that its client ends gives back what its links had, and is answered', async () => {
    const queue = await newQueue();
    await publish(queue, ['a', 'b']);
    const peer = await trial.peer();
    peer.receive(0, 'r', `queue:${queue}`);
    peer.credit(0, 10);
    await peer.next('transfer');
    await peer.next('transfer');
    peer.say(0, 0x17, []);
    expect((await peer.next('end')).error).toBeUndefined();
    await vi.waitFor(async () => expect((await trial.statistics(queue)).leased).toBe(0), SOON);
    peer.say(0, 0x18, []);
    expect((await peer.next('close')).error).toBeUndefined();
    await peer.closed();
  });

  it('is refused on a channel beyond the eighth, and where the client itself takes none', async () => {
    const peer = await trial.peer();
    for (let channel = 1; channel < 8; channel += 1) {
      peer.begin(channel);
      await peer.next('begin');
    }
    peer.begin(8);
    expect((await peer.next('close')).error?.condition).toBe('amqp:connection:framing-error');
    const small = await trial.silentPeer();
    small.say(0, 0x10, ['peer', null, 65_536, (writer) => writer.ushort(0)]);
    await small.next('open');
    small.begin(0, { handleMax: 0 });
    small.receive(0, 'r', 'queue:q');
    await small.next('detach');
    small.begin(1);
    expect((await small.next('close')).error?.description).toContain('cannot be answered');
    const few = await trial.peer();
    few.begin(1, { handleMax: 0 });
    few.receive(1, 'r', 'queue:q', { channel: 1 });
    expect((await few.next('close')).error?.description).toContain('handles 0 to 0');
  });
});

describe('a connection', () => {
  it('that breaks a rule of its own is closed with its name', async () => {
    const broken: [(peer: AmqpPeer) => void, string][] = [
      [(peer) => peer.say(0, 0x10, ['again']), 'amqp:illegal-state'],
      [(peer) => peer.say(0, 0x99, []), 'amqp:decode-error'],
      [(peer) => peer.say(0, 0x12, [null]), 'amqp:decode-error'],
      [(peer) => peer.begin(0), 'amqp:connection:framing-error'],
      [(peer) => peer.credit(0, 1, { channel: 3 }), 'amqp:connection:framing-error'],
      [(peer) => peer.socket.write(Buffer.from([0, 0, 0, 7, 2, 0, 0, 0])), 'amqp:connection:framing-error'],
    ];
    for (const [breakRule, condition] of broken) {
      const peer = await trial.peer();
      breakRule(peer);
      expect((await peer.next('close')).error?.condition).toBe(condition);
      await peer.closed();
    }
    const early = await trial.silentPeer();
    early.begin(0);
    expect((await early.next('close')).error?.condition).toBe('amqp:illegal-state');
  });
});

describe('a link', () => {
  it('is one of 64 of its connection, of all sessions together', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    peer.begin(1);
    await peer.next('begin');
    for (let handle = 0; handle < 64; handle += 1) {
      peer.receive(handle, `r-${handle}`, `queue:${queue}`);
      expect((await peer.next('attach')).source).toBeDefined();
    }
    peer.receive(0, 'one-more', `queue:${queue}`, { channel: 1 });
    expect((await peer.next('attach')).source).toBeUndefined();
    expect((await peer.next('detach')).error?.condition).toBe('amqp:resource-limit-exceeded');
    // One that ends makes room.
    peer.say(0, 0x16, [5, true]);
    await peer.next('detach');
    peer.say(1, 0x16, [0, true]);
    peer.receive(0, 'in-its-place', `queue:${queue}`, { channel: 1 });
    expect((await peer.next('attach')).source).toBeDefined();
    peer.receive(64, 'beyond', `queue:${queue}`);
    expect((await peer.next('close')).error?.condition).toBe('amqp:connection:framing-error');
  });

  it('is taken over by whoever attaches its name again, in any session, and only in its direction', async () => {
    const queue = await newQueue();
    await publish(queue, ['a']);
    const peer = await trial.peer();
    peer.begin(1);
    await peer.next('begin');
    peer.receive(0, 'same', `queue:${queue}`);
    peer.credit(0, 1);
    await peer.next('transfer');
    peer.send(1, 'same', `queue:${queue}`);
    await peer.next('attach');
    peer.receive(0, 'same', `queue:${queue}`, { channel: 1 });
    expect(await peer.next('detach')).toMatchObject({ handle: 0, error: { condition: 'amqp:link:stolen' } });
    peer.credit(0, 1, { channel: 1 });
    await peer.next('transfer');
    expect(peer.all('detach')).toHaveLength(1);
    // What comes for it meanwhile is passed over.
    peer.credit(0, 1);
    peer.transfer(1, 0, message('b'));
    await peer.next('disposition');
  });

  it('is detached or closed as its client says it', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    for (const closed of [false, true]) {
      peer.receive(0, 'r', `queue:${queue}`);
      await peer.next('attach');
      peer.say(0, 0x16, [0, closed]);
      expect(await peer.next('detach')).toMatchObject({ handle: 0, closed, error: undefined });
    }
  });

  it('on which messages go the wrong way is detached', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    peer.receive(0, 'queue', `queue:${queue}`);
    peer.receive(1, 'topic', 'topic:a/b');
    for (const handle of [0, 1]) {
      peer.transfer(handle, handle, message('x'));
      expect(await peer.next('detach')).toMatchObject({ handle, error: { condition: 'amqp:not-allowed' } });
    }
  });

  it('says what it keeps of what was asked for: nothing durable, and what no outcome means', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    const modified = described(0x27, true);
    const source = described(0x28, `queue:${queue}`, 2, symbol('never'), null, null, null, null, null, modified);
    peer.say(0, 0x12, ['durable', 0, true, ubyte(0), ubyte(0), source, described(0x29)]);
    const { source: answered } = await peer.next('attach');
    expect(answered).toMatchObject({ durable: 0, distributionMode: 'move', defaultOutcome: { outcome: 'modified' } });
  });
});

describe('what is not offered', () => {
  it('is refused as such: transactions, selectors, browsing, temporary and durable addresses', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    const source = (...fields: Value[]) => described(0x28, ...fields);
    const selector = (writer: AmqpWriter): void => {
      const map = writer.beginMap();
      writer.symbol('jms-selector');
      writer.described(0x04);
      writer.string("color = 'red'");
      writer.end(map, 2);
    };
    const receiver = (of: Value) => [true, ubyte(0), ubyte(0), of, described(0x29)] as const;
    const asked = [
      receiver(source(`queue:${queue}`, 0, null, 0, false, null, null, selector)),
      receiver(source(`queue:${queue}`, 0, null, 0, false, null, symbol('copy'))),
      receiver(source(null, 0, null, 0, true)),
      receiver(source('topic:a/b', 2)),
      [false, ubyte(0), ubyte(0), described(0x28), described(0x30), null, null, 0] as const,
      [false, ubyte(0), ubyte(0), described(0x28), described(0x29, null, 0, null, 0, true), null, null, 0] as const,
    ];
    for (const [handle, [isReceiver, ...rest]] of asked.entries()) {
      peer.say(0, 0x12, [`n-${handle}`, handle, isReceiver, ...rest]);
      const answer = await peer.next('attach');
      expect(isReceiver ? answer.source : answer.target).toBeUndefined();
      expect((await peer.next('detach')).error?.condition, String(handle)).toBe('amqp:not-implemented');
      peer.say(0, 0x16, [handle, true]);
    }
    // The session has gone on.
    peer.receive(10, 'plain', `queue:${queue}`);
    expect((await peer.next('attach')).source).toBeDefined();
  });

  it('ends its link where it is used unasked: transactional deliveries, settlements, and other formats', async () => {
    const queue = await newQueue();
    await publish(queue, ['a']);
    const peer = await trial.peer();
    const transactional = described(0x34, Buffer.from('tx'), ACCEPTED_STATE);
    await sender(peer, 0, `queue:${queue}`);
    peer.transfer(0, 0, message('x'), { state: transactional });
    expect((await peer.next('detach')).error?.condition).toBe('amqp:not-implemented');
    await sender(peer, 1, `queue:${queue}`);
    peer.transfer(1, 1, message('x'), { format: 1 });
    expect((await peer.next('disposition')).state).toMatchObject({ error: { condition: 'amqp:not-implemented' } });
    peer.receive(2, 'r', `queue:${queue}`);
    peer.credit(2, 1);
    await peer.next('transfer');
    peer.settle(0, 0, transactional, false);
    expect((await peer.next('detach')).error?.condition).toBe('amqp:not-implemented');
    await vi.waitFor(async () => expect(await trial.statistics(queue)).toMatchObject({ leased: 0, messages: 1 }), SOON);
  });
});

describe('a delivery in several frames', () => {
  it('that is broken off is nothing, and the next one is', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    await sender(peer, 0, `queue:${queue}`);
    const whole = message('whole');
    peer.transfer(0, 0, whole.subarray(0, 5), { more: true });
    peer.transfer(0, null, Buffer.alloc(0), { aborted: true });
    peer.transfer(0, 1, whole.subarray(0, 5), { more: true });
    for (let n = 0; n < 20_000; n += 1) peer.transfer(0, null, Buffer.alloc(0), { more: true });
    peer.transfer(0, null, whole.subarray(5));
    expect(await peer.next('disposition')).toMatchObject({ first: 1, state: { outcome: 'accepted' } });
    await vi.waitFor(async () => expect((await trial.statistics(queue)).messages).toBe(1), SOON);
  });

  it('is not begun within another one', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    await sender(peer, 0, `queue:${queue}`);
    peer.transfer(0, 0, message('a').subarray(0, 5), { more: true });
    peer.transfer(0, 1, message('b'));
    expect((await peer.next('detach')).error?.condition).toBe('amqp:not-allowed');
  });

  it('is one of those that a connection may have begun, of so many bytes in all', async () => {
    const queue = await newQueue();
    const peer = await trial.peer();
    const part = Buffer.alloc(60_000);
    const begin = (handle: number): void => {
      for (let n = 0; n < 17; n += 1) peer.transfer(handle, n === 0 ? handle : null, part, { more: true });
    };
    for (let handle = 0; handle < 9; handle += 1) await sender(peer, handle, `queue:${queue}`);
    for (let handle = 0; handle < 9; handle += 1) begin(handle);
    const { handle, error } = await peer.next('detach');
    expect([handle, error?.condition]).toEqual([8, 'amqp:resource-limit-exceeded']);
    // What the others have begun is counted no more once they end.
    peer.say(0, 0x16, [0, true]);
    await peer.next('detach');
    await sender(peer, 20, `queue:${queue}`);
    peer.transfer(20, 20, message('small'));
    expect(await peer.next('disposition')).toMatchObject({ first: 20, state: { outcome: 'accepted' } });
  });

  it('goes out by the window and the frames of the client, and ends with its link', async () => {
    const [large, small] = [await newQueue(), await newQueue()];
    await publish(large, ['x'.repeat(20_000)]);
    await publish(small, ['small']);
    const peer = await trial.peer({ frames: 512 });
    peer.begin(1, { window: 3 });
    await peer.next('begin');
    peer.receive(0, 'large', `queue:${large}`, { channel: 1 });
    peer.receive(1, 'small', `queue:${small}`, { channel: 1 });
    peer.say(1, 0x13, [0, 3, 0, 10, 0, 0, 1]);
    await vi.waitFor(() => expect(peer.all('transfer')).toHaveLength(3), SOON);
    expect(peer.all('transfer').every(({ more }) => more)).toBe(true);
    peer.say(1, 0x16, [0, true]);
    await peer.next('detach');
    peer.say(1, 0x13, [3, 100, 0, 10, 1, 0, 1]);
    await vi.waitFor(() => expect(peer.all('transfer')).toHaveLength(4), SOON);
    expect(peer.all('transfer')[3]).toMatchObject({ handle: 1, more: false });
    expect(peer.largestFrame).toBeLessThanOrEqual(512);
  });
});

describe('credit', () => {
  it('may be as much as fits into its number', async () => {
    const queue = await newQueue();
    await publish(queue, ['a', 'b']);
    const peer = await trial.peer();
    peer.receive(0, 'r', `queue:${queue}`);
    peer.credit(0, 0xffff_ffff);
    await vi.waitFor(() => expect(peer.all('transfer')).toHaveLength(2), SOON);
  });

  it('counts what was sent and not yet heard of', async () => {
    const queue = await newQueue();
    await publish(queue, ['a', 'b', 'c', 'd']);
    const peer = await trial.peer();
    peer.receive(0, 'r', `queue:${queue}`);
    peer.credit(0, 2);
    await peer.next('transfer');
    await peer.next('transfer');
    // As a client says it that has not counted them yet: one more than before.
    peer.credit(0, 3);
    await peer.next('transfer');
    peer.credit(0, 1, { count: 3, drain: true });
    await peer.next('transfer');
    await vi.waitFor(() => expect(peer.all('flow').at(-1)).toMatchObject({ deliveryCount: 4, linkCredit: 0 }), SOON);
  });
});
