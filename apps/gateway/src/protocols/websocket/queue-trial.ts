import { type Server, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Caller } from '@heddle/auth';
import { uuidv7 } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import { LIMIT_VALUES, type LimitValues } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import type { FlowRules } from '../../queues/flows.js';
import { type BookedQueue, LeaseBook } from '../../queues/lease-book.js';
import type { Lease, LeaseSource, Refusal, Released } from '../../queues/lease.js';
import { DispatchedEvent } from '../../represent.js';
import type { OpenQueue, OpenQueues } from '../open-queue.js';
import { type SessionTimes, Sessions } from '../sessions.js';
import { QueueConnections } from './queue-connections.js';
import { Upgrades } from './upgrades.js';

const RETRY_MS = 20;
/** What is waited for may take seconds on a busy machine. */
export const SOON = { timeout: 10_000 };

interface Item {
  event: DispatchedEvent;
  attempts: number;
}

/** A queue in memory: first come first served, a release comes again after 20 ms. */
export class TrialQueue implements LeaseSource, OpenQueue, OpenQueues {
  readonly name = 'orders';
  readonly epoch = 7;
  readonly book: LeaseBook;
  readonly accepted: string[] = [];
  readonly rejected: { id: string; reason: string }[] = [];
  /** Deliveries that are leased now. */
  readonly out = new Map<Lease, Item>();
  /** Who may have leases. */
  rules: FlowRules = { exclusive: false };
  /** What `settled` waits for. */
  durable: Promise<void> = Promise.resolve();
  #ready: Item[] = [];
  #closings = new Set<(reason: 'moved' | 'deleted') => void>();
  #count = 0;

  constructor(private readonly leaseTimeMs = 30_000) {
    const booked: BookedQueue = {
      uuid: uuidv7(),
      epoch: this.epoch,
      leaseMs: () => this.leaseTimeMs,
      flows: () => this.rules,
    };
    this.book = new LeaseBook(booked, this);
  }

  /** Makes so many events ready, `e1` and on; each carries so many bytes. */
  add(count: number, bytes = 10): void {
    for (let n = 0; n < count; n += 1) {
      this.#count += 1;
      this.#ready.push({ event: eventOf(`e${this.#count}`, bytes), attempts: 0 });
    }
    this.book.wake();
  }

  open(): OpenQueue {
    return this;
  }

  leaseMs(): number {
    return this.leaseTimeMs;
  }

  settled(): Promise<void> {
    return this.durable;
  }

  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void {
    this.#closings.add(callback);
    return () => this.#closings.delete(callback);
  }

  close(reason: 'moved' | 'deleted'): void {
    this.book.close();
    for (const callback of this.#closings) callback(reason);
  }

  get watchers(): number {
    return this.#closings.size;
  }

  acquire(): Lease | undefined {
    const item = this.#ready.shift();
    if (item === undefined) return undefined;
    const attempt = item.attempts + 1;
    const lease: Lease = {
      event: item.event,
      lane: '',
      attempt,
      redelivery: attempt > 1 ? 'yes' : 'no',
      cycle: '',
    };
    this.out.set(lease, item);
    return lease;
  }

  accept(lease: Lease): void {
    this.accepted.push(this.#end(lease).event.stored.attributes.id);
  }

  release(lease: Lease, refusal: Refusal): Released {
    const item = this.#end(lease);
    if (refusal.countsAttempt === false) {
      this.#ready.unshift(item);
      return { state: 'waiting', dueAt: Date.now() };
    }
    const delayMs = refusal.delayMs ?? RETRY_MS;
    setTimeout(() => {
      this.#ready.push({ ...item, attempts: item.attempts + 1 });
      this.book.wake();
    }, delayMs);
    return { state: 'waiting', dueAt: Date.now() + delayMs };
  }

  reject(lease: Lease, { reason }: Refusal): void {
    this.rejected.push({ id: this.#end(lease).event.stored.attributes.id, reason });
  }

  #end(lease: Lease): Item {
    const item = this.out.get(lease);
    if (item === undefined) throw new Error('a lease ended twice');
    this.out.delete(lease);
    return item;
  }
}

/** What is looked at every few milliseconds, so that nothing has to be waited for. */
const QUICK: SessionTimes = { graceMs: 50, sweepMs: 5, endingMs: 1000 };

/** A server on which a queue can be connected to, by whoever has a token of its guard. */
export class TrialServer {
  readonly guard = new TrialGuard();
  readonly sessions = new Sessions(this.guard, undefined, QUICK);
  readonly connections: QueueConnections;
  readonly #server: Server = createServer();
  readonly #upgrades: Upgrades;
  readonly #clients: TrialClient[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(queues: OpenQueues, slowMs?: number, different: Partial<LimitValues> = {}) {
    const log = createLog('test', 'silent');
    const limits = new Limits({
      ...LIMIT_VALUES,
      ...(slowMs === undefined ? {} : { limitSlowMs: slowMs }),
      ...different,
    });
    this.connections = new QueueConnections(queues, this.guard, log, limits);
    this.#upgrades = new Upgrades(this.#server, [this.connections.route], this);
  }

  async listen(): Promise<this> {
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/queues/orders/connect`;
  }

  /** A client that has said nothing yet. */
  async open(caller: Caller = callerFor()): Promise<TrialClient> {
    const client = await TrialClient.open(this.url, this.guard.bearerFor(caller));
    this.#clients.push(client);
    return client;
  }

  /** A client that has said hello and been answered. */
  async connect(hello: object = {}, caller: Caller = callerFor()): Promise<TrialClient> {
    const client = await this.open(caller);
    client.say({ kind: 'hello', ...hello });
    await vi.waitUntil(() => client.of('ready').length === 1, SOON);
    return client;
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate();
    this.connections.close();
    this.sessions.stop();
    await this.#upgrades.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A frame of the gateway, as loosely as a client may read it. */
export interface Frame {
  kind: string;
  [field: string]: unknown;
}

export interface Delivery {
  lease: string;
  expiresAt: string;
  attempt: number;
  redelivery: string;
  event: { id: string; specversion: string; data: unknown };
}

/** A client that keeps every frame it is given. */
export class TrialClient {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;

  private constructor(url: string, authorization: string) {
    this.socket = new WebSocket(url, 'heddle.v1', { headers: { authorization } });
    this.socket.on('message', (text: Buffer) => this.frames.push(JSON.parse(text.toString()) as Frame));
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  static async open(url: string, authorization: string): Promise<TrialClient> {
    const client = new TrialClient(url, authorization);
    await new Promise((resolve, reject) => client.socket.once('open', resolve).once('error', reject));
    return client;
  }

  say(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Resolves with all deliveries when there are exactly so many. */
  async receive(count: number): Promise<Delivery[]> {
    await vi.waitUntil(() => this.deliveries.length === count, SOON);
    return this.deliveries;
  }

  accept(deliveries: readonly Delivery[]): void {
    this.say({ kind: 'settle', settlements: deliveries.map(({ lease }) => ({ lease, action: 'accept' })) });
  }

  of(kind: string): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }

  get deliveries(): Delivery[] {
    return this.of('deliveries').flatMap(({ deliveries }) => deliveries as Delivery[]);
  }

  get ids(): string[] {
    return this.deliveries.map(({ event }) => event.id);
  }

  get results(): unknown[] {
    return this.of('settled').flatMap(({ results }) => results as unknown[]);
  }
}

function eventOf(id: string, bytes: number): DispatchedEvent {
  return new DispatchedEvent(
    {
      topic: 'sales-order',
      partition: 0,
      offset: 0,
      key: id,
      appendedAt: 0,
      value: new Uint8Array(0),
      attributes: { id, source: '/test', type: 'test.Happened.v1', subject: id },
      data: { text: 'x'.repeat(bytes) },
    },
    0,
    '1~',
    'http://gateway.test',
  );
}
