import { randomUUID } from 'node:crypto';
import { type Caller, requirePermission } from '@heddle/auth';
import type { JsonLimits } from '@heddle/runtime';
import type { WebSocket } from 'ws';
import type { Flow } from '../../queues/flows.js';
import type { Grant, LeaseReceiver } from '../../queues/lease-book.js';
import type { SocketSink } from '../../streams/socket-sink.js';
import { BackPressure, type Line } from '../back-pressure.js';
import { deliveryText, moment } from '../lease-text.js';
import type { OpenQueue } from '../open-queue.js';
import type { Session } from '../sessions.js';
import type { Taken } from '../../limits/rate-limits.js';
import { CLOSE_CODES } from './close-codes.js';
import { FrameGate, type Read } from './frame-gate.js';
import { QUEUE_LIMITS } from './queue-frame.shape.js';
import {
  type AuthenticateFrame,
  type ClosingReason,
  type CreditFrame,
  type HelloFrame,
  type ReadyFrame,
  type SettleFrame,
  authenticatedFrame,
  closingFrame,
  deliveriesFrame,
  frameInvalid,
  problemFrame,
  readFrame,
  readyFrame,
  settledFrame,
} from './queue.frames.js';
import { textFrame } from './websocket.frames.js';

/** What a connection needs of where it lives. */
export interface ConnectionHome {
  /** A client that does not read what it asked for is let go after so many milliseconds. */
  readonly slowMs: number;
  /** What a frame of a client may be. */
  readonly json: JsonLimits;
  /** Takes a frame from the rate of a client. */
  take(caller: Caller): Taken;
  /** The leases of the connection this one goes on for; nothing is delivered to that one any more. */
  takeOver(id: string, by: QueueConnection): Set<string>;
  ended(connection: QueueConnection): void;
  failed(error: unknown): void;
  /** @throws HeddleError `token-invalid` */
  identify(token: string): Caller | Promise<Caller>;
}

/** What a connection is on: its socket, what writes past it, and whose it is. */
export interface Link {
  client: WebSocket;
  sink: SocketSink;
  session: Session;
}

/** A frame of deliveries ends when it has so many characters. */
const FRAME_CHARS = 64 * 1024;
/** Settlements that may wait to be durable, before nothing more is read. */
const MAX_UNANSWERED = 20_000;
/** Wrong frames in a row that end a connection. */
const MAX_FAULTS = 10;
/** What settlements under way get to be answered in when a connection is closed from here. */
const CLOSE_GRACE_MS = 500;

/**
 * One receiver of a queue on a socket. It is given at most as many deliveries as it asked for, and only as fast as it
 * reads them; what it says about them is answered when it is durable. Without anything to do it is one waiter of the
 * queue and costs nothing.
 */
export class QueueConnection {
  readonly id = randomUUID();
  /** Leases that were written here and not ended from here; some may have run out. */
  leases = new Set<string>();
  /** When the last of them has run out, in milliseconds since the epoch. */
  leasedUntil = 0;
  #isReady = false;
  #leaseMs: number | undefined;
  #batch: number = QUEUE_LIMITS.batch;
  #credit = 0;
  /** Characters of a delivery, lately: how many to lease so that they fill one frame. */
  #deliveryChars = 1024;
  #isWaiting = false;
  #unanswered = 0;
  #faults = 0;
  #isAuthenticating = false;
  #leaving: ClosingReason | undefined;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #ending = new AbortController();
  #forget: () => void;
  readonly #session: Session;
  readonly #flow: Flow;
  readonly #pressure: BackPressure;
  readonly #gate: FrameGate<{ data: Buffer; isBinary: boolean }>;
  private readonly client: WebSocket;
  private readonly sink: SocketSink;

  constructor(
    readonly queue: OpenQueue,
    { client, sink, session }: Link,
    private readonly receiver: LeaseReceiver,
    private readonly home: ConnectionHome,
  ) {
    this.client = client;
    this.sink = sink;
    this.#session = session;
    this.#gate = new FrameGate(
      () => home.take(session.caller),
      client,
      ({ data, isBinary }) => this.#read(data, isBinary),
    );
    this.#pressure = new BackPressure(lineOf(this.#gate, sink), {
      slowMs: home.slowMs,
      onSlow: () => this.close('slow'),
      isTooMuch: () => this.#unanswered > MAX_UNANSWERED,
      onRoom: () => this.#fill(),
    });
    session.onDismissed((reason) => this.close(reason));
    client.on('message', (data: Buffer, isBinary: boolean) => this.#gate.arrived({ data, isBinary }));
    client.once('close', () => this.#end());
    this.#flow = queue.book.open();
    this.#forget = queue.onClosed((reason) => this.close(reason));
  }

  get tenant(): string {
    return this.#session.caller.tenant;
  }

  /** Leases nothing more, answers what is under way, says why, and closes. */
  close(reason: ClosingReason): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = reason;
    this.#ending.abort();
    // Nothing more is leased here: who stands by need not wait for a network that may be gone.
    this.#flow.close();
    clearTimeout(this.#timer);
    if (this.#unanswered === 0) this.#finish();
    else this.#timer = setTimeout(() => this.#finish(), CLOSE_GRACE_MS);
  }

  #read(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    if (isBinary) {
      this.client.close(CLOSE_CODES.unsupported, 'unsupported');
      return;
    }
    const read = readFrame(data, this.home.json);
    if ('error' in read) {
      this.#refuse(read.id, read.error);
      return;
    }
    const { frame } = read;
    if (frame.kind === 'hello') this.#hello(frame);
    else if (!this.#isReady) this.#refuse(frame.id, frameInvalid([{ field: 'kind', rule: 'must be hello at first' }]));
    else if (frame.kind === 'credit') this.#addCredit(frame);
    else if (frame.kind === 'authenticate') void this.#authenticate(frame);
    else this.#settle(frame);
  }

  #hello({ id, leaseMs, batch, resume }: HelloFrame): void {
    if (this.#isReady) {
      this.#refuse(id, frameInvalid([{ field: 'kind', rule: 'is hello for a second time: it is said once' }]));
      return;
    }
    this.#isReady = true;
    this.#faults = 0;
    this.#leaseMs = leaseMs;
    this.#batch = batch ?? QUEUE_LIMITS.batch;
    const { name, epoch } = this.queue;
    const ready = { id, queue: name, connection: this.id, epoch, leaseMs: leaseMs ?? this.queue.leaseMs() };
    this.#write(readyFrame(resume === undefined ? ready : { ...ready, resumed: this.#resume(resume) }));
  }

  /**
   * Renews what the client still works on. What its connection before was given and it does not name never reached it:
   * that is released at once instead of when its lease runs out, as an attempt, for nobody can be sure of it.
   */
  #resume({ connection, leases }: NonNullable<HelloFrame['resume']>): NonNullable<ReadyFrame['resumed']> {
    const { book } = this.queue;
    const before = connection === undefined ? new Set<string>() : this.home.takeOver(connection, this);
    const results = book.settle(leases.map((token) => ({ token, action: 'renew' as const, leaseMs: this.#leaseMs })));
    const resumed: NonNullable<ReadyFrame['resumed']> = { held: [], lost: [], returned: 0 };
    for (const [at, result] of results.entries()) {
      const lease = leases[at]!;
      before.delete(lease);
      if ('code' in result) resumed.lost.push({ lease, code: result.code });
      if (!('expiresAt' in result)) continue;
      resumed.held.push({ lease, expiresAt: moment(result.expiresAt) });
      this.#hold(lease, result.expiresAt);
    }
    const again = { action: 'release' as const, delayMs: 0, reason: 'connection lost' };
    const returned = book.settle([...before].map((token) => ({ token, ...again })));
    resumed.returned = returned.filter((result) => 'state' in result).length;
    return resumed;
  }

  #addCredit({ id, add }: CreditFrame): void {
    const room = QUEUE_LIMITS.credit - this.#credit;
    if (add > room) {
      this.#refuse(id, frameInvalid([{ field: 'add', rule: `must be at most ${room} now, ${this.#credit} are open` }]));
      return;
    }
    this.#faults = 0;
    this.#credit += add;
    this.#fill();
  }

  #settle(frame: SettleFrame): void {
    this.#faults = 0;
    const results = this.queue.book.settle(
      frame.settlements.map(({ lease, action, delayMs, reason, leaseMs }) => ({
        token: lease,
        action,
        delayMs,
        reason,
        leaseMs: leaseMs ?? this.#leaseMs,
      })),
    );
    for (let at = 0; at < results.length; at += 1) {
      const result = results[at]!;
      if ('expiresAt' in result) this.#hold(frame.settlements[at]!.lease, result.expiresAt);
      else this.leases.delete(frame.settlements[at]!.lease);
    }
    this.#unanswered += results.length;
    this.queue.settled().then(
      () => this.#answer(results.length, settledFrame(frame, results)),
      (error: unknown) => {
        this.home.failed(error);
        this.#answer(results.length, problemFrame(frame.id, error));
      },
    );
    this.#pressure.throttle();
  }

  /** Goes on with a new token; with one that is not accepted, the connection still ends when the old one does. */
  async #authenticate({ id, token }: AuthenticateFrame): Promise<void> {
    if (this.#isAuthenticating) {
      this.#refuse(id, frameInvalid([{ field: 'kind', rule: 'is authenticate before the one before was answered' }]));
      return;
    }
    this.#isAuthenticating = true;
    try {
      const caller = await this.home.identify(token);
      this.#session.renew(caller, () => requirePermission(caller, 'consume', 'queue', this.queue.name));
      if (!this.#isOver) this.#write(authenticatedFrame(id, caller.expiresAt));
      this.#faults = 0;
    } catch (error) {
      if (!this.#isOver) this.#refuse(id, error);
    } finally {
      this.#isAuthenticating = false;
    }
  }

  #answer(settled: number, text: string): void {
    this.#unanswered -= settled;
    if (this.#isOver) return;
    this.#write(text);
    this.#pressure.throttle();
    if (this.#leaving !== undefined && this.#unanswered === 0) this.#finish();
  }

  /** Waits for the next deliveries, where any are wanted and the client keeps up. */
  #fill = (): void => {
    if (this.#credit === 0 || this.#isWaiting || this.#pressure.isFull || this.#leaving !== undefined) return;
    this.#isWaiting = true;
    const max = Math.min(this.#credit, this.#batch, Math.max(1, Math.floor(FRAME_CHARS / this.#deliveryChars)));
    const wish = { max, leaseMs: this.#leaseMs, receiver: this.receiver, flow: this.#flow };
    void this.queue.book.waitFor(wish, Infinity, this.#ending.signal).then(this.#granted);
  };

  #granted = (grants: readonly Grant[]): void => {
    this.#isWaiting = false;
    // None: this connection leaves, or the queue does and says so.
    if (grants.length === 0) return;
    if (this.#leaving !== undefined || this.client.readyState !== this.client.OPEN) {
      this.queue.book.handBack(grants);
      return;
    }
    this.#deliver(grants);
    // One frame a turn, so that neither other connections nor what clients say waits for all of the credit.
    if (this.#credit > 0) setImmediate(this.#fill);
  };

  #deliver(grants: readonly Grant[]): void {
    let text = '';
    let chars = 0;
    let count = 0;
    for (const grant of grants) {
      const delivery = deliveryText(grant);
      text += text === '' ? delivery : `,${delivery}`;
      chars += delivery.length;
      count += 1;
      this.#credit -= 1;
      this.#hold(grant.token, grant.expiresAt);
      if (text.length < FRAME_CHARS) continue;
      this.#write(deliveriesFrame(text));
      text = '';
      if (this.#pressure.isFull) break;
    }
    if (text !== '') this.#write(deliveriesFrame(text));
    this.#deliveryChars = (this.#deliveryChars + chars / count) / 2;
    // Larger than those before, and the client does not keep up: others may have the rest.
    if (count < grants.length) this.queue.book.handBack(grants.slice(count));
  }

  #hold(lease: string, expiresAt: number): void {
    this.leases.add(lease);
    if (expiresAt > this.leasedUntil) this.leasedUntil = expiresAt;
  }

  #refuse(id: string | undefined, error: unknown): void {
    this.#write(problemFrame(id, error));
    this.#pressure.throttle();
    this.#faults += 1;
    if (this.#faults >= MAX_FAULTS) this.client.close(CLOSE_CODES.faults, 'faults');
  }

  #write(text: string): void {
    this.sink.write(textFrame(text));
    this.#pressure.wrote();
  }

  #finish(): void {
    const reason = this.#leaving;
    if (this.#isOver || reason === undefined) return;
    this.#isOver = true;
    this.#pressure.end();
    this.#gate.end();
    clearTimeout(this.#timer);
    this.sink.write(textFrame(closingFrame(reason)));
    // Paused, it would not see that the other side closes as well.
    this.client.resume();
    this.client.close(CLOSE_CODES[reason], reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#pressure.end();
    this.#gate.end();
    this.#leaving ??= 'stopping';
    this.#ending.abort();
    clearTimeout(this.#timer);
    this.#forget();
    this.#flow.close();
    this.home.ended(this);
  }
}

/** What is written goes past the WebSocket, what is read comes through it. */
function lineOf(gate: Read, sink: SocketSink): Line {
  return {
    get queuedBytes() {
      return sink.queuedBytes;
    },
    onceDrained: (callback) => sink.onceDrained(callback),
    pause: () => gate.pause(),
    resume: () => gate.resume(),
  };
}
