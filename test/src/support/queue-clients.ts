import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Arrivals } from './arrivals.js';
import type { CloudEvent } from './cloud-event.js';
import { type Answer, call } from './http-call.js';
import { authorizationFor } from './keyring.js';

/** A delivery of a queue, as every door hands it out. */
export interface QueueDelivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle?: string;
  event: CloudEvent;
  /** From a queue of shape `state`. */
  state?: { version: string; object?: Record<string, unknown>; gone?: true } | null;
}

/** What a receiver says about one of its leases. */
export interface Settlement {
  lease: string;
  action: 'accept' | 'release' | 'reject' | 'renew';
  delayMs?: number;
  reason?: string;
  leaseMs?: number;
}

/** What it is answered: a state, or the code of why not. */
export interface SettleResult {
  lease: string;
  state?: 'accepted' | 'released' | 'rejected' | 'dead' | 'renewed';
  dueAt?: string;
  expiresAt?: string;
  reason?: string;
  code?: string;
}

/** Creates or changes a queue; a new name when none is given. */
export async function putQueue(
  gateway: string,
  definition: { types: string[] } & Record<string, unknown>,
  name = `queue-${randomUUID()}`,
): Promise<string> {
  // While its slot moves from one instance to another, as at their start, one is to try again.
  await vi.waitFor(
    async () => {
      const answer = await call('PUT', `${gateway}/v1/queues/${name}`, { body: definition });
      expect([200, 201], answer.text).toContain(answer.status);
    },
    { timeout: 10_000 },
  );
  return name;
}

/** A queue as the gateway shows it. */
export interface QueueView {
  name: string;
  paused: boolean;
  statistics: {
    ready: number;
    leased: number;
    waiting: number;
    parked: number;
    dead: number;
    dropped: number;
    oldestAgeMs?: number;
    lag: number;
    rates: { inPerSecond: number; outPerSecond: number };
    receivers: { leases: number; waiting: number };
  };
}

export async function readQueue(gateway: string, name: string): Promise<QueueView> {
  const answer = await call('GET', `${gateway}/v1/queues/${name}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json as QueueView;
}

/** `pause`, `resume` or `purge`. */
export async function orderQueue(gateway: string, name: string, order: string, body: object = {}): Promise<QueueView> {
  const answer = await call('POST', `${gateway}/v1/queues/${name}/${order}`, { body });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as QueueView;
}

export function deleteQueue(gateway: string, name: string): Promise<Answer> {
  return call('DELETE', `${gateway}/v1/queues/${name}`);
}

/** One `POST …/receive`; empty when nothing came within `waitMs`. */
export async function pullDeliveries(
  gateway: string,
  name: string,
  wish: { max?: number; waitMs?: number; leaseMs?: number } = {},
): Promise<QueueDelivery[]> {
  const answer = await call('POST', `${gateway}/v1/queues/${name}/receive`, { body: wish });
  expect(answer.status, answer.text).toBe(200);
  return (answer.json as { deliveries: QueueDelivery[] }).deliveries;
}

/** One `POST …/settle`; a result for each settlement, in their order. */
export async function settlePulled(
  gateway: string,
  name: string,
  settlements: readonly Settlement[],
): Promise<SettleResult[]> {
  const answer = await call('POST', `${gateway}/v1/queues/${name}/settle`, { body: { settlements } });
  expect(answer.status, answer.text).toBe(200);
  return (answer.json as { results: SettleResult[] }).results;
}

export interface QueueSocketWish {
  leaseMs?: number;
  batch?: number;
  resume?: { connection?: string; leases: readonly string[] };
  /** Asked for right after the hello; nothing when left out. */
  credit?: number;
  /** Told of each delivery before it counts as arrived. */
  onDelivery?: DeliveryListener;
}

type DeliveryListener = (delivery: QueueDelivery, socket: QueueSocket) => void;

/** The answer to a hello. */
export interface Ready {
  queue: string;
  connection: string;
  epoch: number;
  leaseMs: number;
  resumed?: {
    held: { lease: string; expiresAt: string }[];
    lost: { lease: string; code: string }[];
    returned: number;
  };
}

/** How a connection ended: the close code, and the reason of the `closing` frame where there was one. */
export interface SocketEnd {
  code: number;
  reason: string | undefined;
}

/** A receiver of a queue over `heddle.v1`: it remembers what it is told, and settles nothing by itself. */
export class QueueSocket {
  readonly deliveries = new Arrivals<QueueDelivery>();
  readonly problems = new Arrivals<{ id?: string; code: string; field?: string; detail: string }>();
  readonly closed: Promise<SocketEnd>;
  readonly #ready = Promise.withResolvers<Ready>();
  readonly #answers = new Map<string, (results: SettleResult[]) => void>();
  #count = 0;
  #closing: string | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly onDelivery?: DeliveryListener,
  ) {
    socket.on('message', (text: Buffer) => this.#read(JSON.parse(text.toString()) as Record<string, unknown>));
    this.closed = new Promise((resolve) =>
      socket.once('close', (code) => {
        this.#ready.reject(new Error(`The connection was closed with ${code} before it was ready.`));
        resolve({ code, reason: this.#closing });
      }),
    );
    this.#ready.promise.catch(() => undefined);
  }

  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Any frame, right or wrong. */
  say(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  addCredit(add: number): void {
    this.say({ kind: 'credit', add });
  }

  /** Resolves when the settlements are durable; never when the connection ends before. */
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const id = `settle-${(this.#count += 1)}`;
    const answered = new Promise<SettleResult[]>((resolve) => this.#answers.set(id, resolve));
    this.say({ kind: 'settle', id, settlements });
    return answered;
  }

  accept(deliveries: readonly QueueDelivery[]): Promise<SettleResult[]> {
    return this.settle(deliveries.map(({ lease }) => ({ lease, action: 'accept' })));
  }

  /** Stops reading: what comes waits in the network, and then at the gateway. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends the connection in order. */
  close(): void {
    this.socket.close();
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.socket.terminate();
  }

  #read(frame: Record<string, unknown>): void {
    switch (frame.kind) {
      case 'ready':
        this.#ready.resolve(frame as never);
        return;
      case 'deliveries':
        for (const delivery of frame.deliveries as QueueDelivery[]) {
          this.onDelivery?.(delivery, this);
          this.deliveries.add(delivery);
        }
        return;
      case 'settled':
        this.#answers.get(frame.id as string)?.(frame.results as SettleResult[]);
        this.#answers.delete(frame.id as string);
        return;
      case 'problem':
        this.problems.add(frame as never);
        return;
      case 'closing':
        this.#closing = frame.reason as string;
    }
  }
}

/** Connects to a queue and says hello; open once that was answered. */
export async function openQueueSocket(
  gateway: string,
  name: string,
  { credit, onDelivery, ...hello }: QueueSocketWish = {},
): Promise<QueueSocket> {
  const url = new URL(`/v1/queues/${name}/connect`, gateway);
  url.protocol = 'ws:';
  const socket = new WebSocket(url, 'heddle.v1', {
    perMessageDeflate: false,
    headers: await authorizationFor(gateway),
  });
  const receiver = new QueueSocket(socket, onDelivery);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => undefined);
  receiver.say({ kind: 'hello', ...hello });
  await receiver.ready;
  if (credit !== undefined) receiver.addCredit(credit);
  return receiver;
}
