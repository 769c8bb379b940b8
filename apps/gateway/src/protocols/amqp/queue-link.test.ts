import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import type { Settlement } from '../../queues/lease-book.js';
import { AMQP_VALUES } from './amqp.settings.js';
import type { LinkSession } from './link.js';
import type { Attach, Flow } from './performatives.js';
import { QueueLink } from './queue-link.js';
import type { QueueSource, TakeWish } from './taken.js';

const NOTHING = Buffer.alloc(0);
const LEASE_MS = 30_000;

/** A queue that never runs dry, and what is done with its leases. */
class TrialSource implements QueueSource {
  bytes = 10;
  left = Infinity;
  readonly wishes: TakeWish[] = [];
  readonly settlements: Settlement[] = [];
  readonly handedBack: string[] = [];
  #last = 0;

  leaseMs(): number {
    return LEASE_MS;
  }

  async take(wish: TakeWish, signal: AbortSignal | undefined) {
    this.wishes.push(wish);
    const count = Math.min(wish.max, this.left);
    this.left -= count;
    if (count === 0 && signal !== undefined) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    return Array.from({ length: count }, () => ({
      token: String((this.#last += 1)),
      expiresAt: Date.now() + LEASE_MS,
      prefix: NOTHING,
      bare: Buffer.alloc(this.bytes),
    }));
  }

  async settle(settlements: readonly Settlement[]) {
    this.settlements.push(...settlements);
    return settlements.map(() => ({ state: 'accepted' as const }));
  }

  handBack(taken: readonly { token: string }[]): void {
    this.handedBack.push(...taken.map(({ token }) => token));
  }

  onClosed() {
    return () => undefined;
  }

  close(): void {}
}

let source: TrialSource;
/** Messages that the client takes before it has no room. */
let room: number;
let sent: number;
let flows: { deliveryCount: number; credit: number; drain: boolean | undefined }[];
let whenRoom: (() => void)[];

beforeEach(() => {
  source = new TrialSource();
  room = Infinity;
  sent = 0;
  flows = [];
  whenRoom = [];
});

function link(fields: Partial<Attach> = {}): QueueLink {
  const connection = {
    home: {
      settings: AMQP_VALUES,
      sources: { open: () => source },
      failed: (error: unknown) => expect.unreachable(String(error)),
    },
    caller: callerFor(),
    address: 'test',
    unanswered: () => undefined,
    afterRead: (work: () => void) => setImmediate(work),
  };
  const session = {
    connection,
    get hasRoom() {
      return sent < room;
    },
    onceRoom: (callback: () => void) => void whenRoom.push(callback),
    attached: () => undefined,
    detach: () => expect.unreachable(),
    flowOf: (_handle: number, deliveryCount: number, credit: number, drain?: boolean) =>
      void flows.push({ deliveryCount, credit, drain }),
    send: () => sent++,
    settled: () => undefined,
  } as unknown as LinkSession;
  const attach = {
    ...{ name: 'r', handle: 0, sndSettleMode: 0, rcvSettleMode: 0, source: undefined, target: undefined },
    ...{ properties: new Map(), maxMessageSize: 0 },
    ...fields,
  };
  return new QueueLink(session, attach as unknown as Attach, 'queue:q');
}

function credit(linkCredit: number, drain = false): Flow {
  return { deliveryCount: 0, linkCredit, drain, echo: false } as Flow;
}

function makeRoom(messages: number): void {
  room = messages;
  for (const callback of whenRoom.splice(0)) callback();
}

describe('a link that has no room for what it has leased', () => {
  it('writes it when there is, and leases no more before', async () => {
    room = 3;
    const receiver = link();
    receiver.flow(credit(50));
    await vi.waitFor(() => expect(sent).toBe(3));
    expect(source.wishes.map(({ max }) => max)).toEqual([50]);
    makeRoom(10);
    expect(sent).toBe(10);
    makeRoom(Infinity);
    expect(sent).toBe(50);
    expect(source.wishes).toHaveLength(1);
    expect(source.handedBack).toEqual([]);
  });

  it('hands it back untouched when it ends, and what was written as an attempt', async () => {
    room = 3;
    const receiver = link();
    receiver.flow(credit(5));
    await vi.waitFor(() => expect(sent).toBe(3));
    receiver.end();
    expect(source.handedBack).toEqual(['4', '5']);
    expect(source.settlements.map(({ token, action, reason }) => [token, action, reason])).toEqual(
      ['1', '2', '3'].map((token) => [token, 'release', 'connection lost']),
    );
  });

  it('hands it back when the client takes its credit back', async () => {
    room = 3;
    const receiver = link();
    receiver.flow(credit(5));
    await vi.waitFor(() => expect(sent).toBe(3));
    receiver.flow(credit(3));
    expect(source.handedBack).toEqual(['4', '5']);
  });

  it('renews it, and passes over what ran out', async () => {
    room = 1;
    const receiver = link();
    receiver.flow(credit(3));
    await vi.waitFor(() => expect(sent).toBe(1));
    receiver.tick(Date.now() + LEASE_MS * 0.7);
    expect(source.settlements.map(({ token, action }) => [token, action]).toSorted()).toEqual(
      ['1', '2', '3'].map((token) => [token, 'renew']),
    );
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + LEASE_MS + 1);
    source.left = 0;
    makeRoom(Infinity);
    now.mockRestore();
    expect(sent).toBe(1);
  });
});

it('a link with as many deliveries as it may hold takes no more, and drains all the same', async () => {
  const receiver = link();
  receiver.flow(credit(20_000));
  await vi.waitFor(() => expect(sent).toBe(10_000), { timeout: 10_000 });
  receiver.flow(credit(20_000, true));
  await vi.waitFor(() => expect(flows).toEqual([{ deliveryCount: 20_000, credit: 0, drain: true }]));
  expect(sent).toBe(10_000);
});

it('what is larger than a receiver takes is a failed attempt with that as its reason, and uses no credit', async () => {
  source.bytes = 2000;
  source.left = 2;
  const receiver = link({ maxMessageSize: 1000 });
  receiver.flow(credit(1));
  await vi.waitFor(() => expect(source.settlements).toHaveLength(2));
  expect(source.settlements[0]).toMatchObject({
    action: 'release',
    reason: expect.stringContaining('2000 bytes') as string,
  });
  expect(sent).toBe(0);
  source.bytes = 1000;
  source.left = 1;
  // It waits for more; a client that takes its credit back and gives it again asks anew.
  receiver.flow(credit(0));
  receiver.flow(credit(1));
  await vi.waitFor(() => expect(sent).toBe(1));
});
