import { Backoff, pause, within } from './backoff.js';
import type { CloudEvent } from './cloud-event.js';
import { DeliveryWork } from './delivery-work.js';
import type { Delivery, Handle, SettleResult } from './delivery.js';
import { type Gateway, GatewayHttp } from './gateway-http.js';
import { FRAME_LIMITS } from './queue-frames.js';
import { QueueSession, type SessionEnd } from './queue-session.js';
import { Refusal } from './refusal.js';
import type { SocketClass } from './sockets.js';
import { Strikes } from './strikes.js';

/** Which queue is worked off over a WebSocket, how, and how much at a time. */
export interface QueueOptions extends Gateway {
  queue: string;
  handle: Handle;
  /** Deliveries that may be here at a time, 1 to 10,000; 100 by default. Events of one key come one at a time anyway. */
  credit?: number;
  /** Of those, how many are worked on at a time; all of them by default. */
  concurrency?: number;
  /** Milliseconds each lease lasts, from 1000 to 3,600,000; as the queue says when left out. */
  leaseMs?: number;
  /** Deliveries in one frame, 1 to 200. */
  batch?: number;
  /** For so long the lease of an event is renewed while its handler runs, in milliseconds; an hour by default. */
  renewForMs?: number;
  /** Hears what the gateway answered about each delivery. */
  onSettled?(event: CloudEvent, delivery: Delivery, result: SettleResult): void;
  /** Hears of leases that were lost while they were worked on. */
  onLost?(event: CloudEvent, delivery: Delivery, code: string): void;
  /** Hears of each connection that is made. */
  onConnected?(connection: string): void;
  /** Hears why a connection ended, or could not be made, and when the next one is made. */
  onDisconnected?(why: { code: number; reason: string; error?: unknown; retryInMs: number }): void;
  /** Hears of what went wrong on a connection that goes on. */
  onProblem?(problem: Refusal): void;
  /** The first pause before a reconnect, in milliseconds; each may be twice the one before, up to 15 s. */
  retryMs?: number;
  /** A connection that was silent for so long, and asked for a sign of life meanwhile, is made anew; 30,000 by default. */
  idleMs?: number;
  /** A class of WebSockets where the platform has none, such as that of the package ws. */
  webSocket?: SocketClass;
}

/**
 * Why it is over: `closed` by its user; `deleted`, the queue; `replaced` by another connection that goes on for this one;
 * `refused` by the gateway for good; `faulty`, for it broke a rule of the protocol.
 */
export interface QueueEnd {
  reason: 'closed' | 'deleted' | 'replaced' | 'refused' | 'faulty';
  error?: unknown;
}

const ENDS: Readonly<Record<number, QueueEnd['reason']>> = {
  1002: 'faulty',
  1003: 'faulty',
  1007: 'faulty',
  1008: 'faulty',
  1009: 'faulty',
  4409: 'replaced',
  4410: 'deleted',
};
const EXPIRED_OR_REVOKED = 4401;
const NORMAL = 1000;
const GRACE_MS = 30_000;
const IDLE_MS = 30_000;
const ASK_WHY_MS = 10_000;

/**
 * A receiver of a queue over `heddle.v1`. Reconnects by itself, to whatever instance, and goes on with what it has: leases
 * are renewed while their handlers run, settlements are said until they are answered, and tokens are replaced in time.
 * Nothing is lost; an event may come twice, never with another id, and in the order that the queue has.
 */
export class QueueConnection {
  /** Resolves with the first connection; rejects when there never is one. */
  readonly ready: Promise<void>;
  /** Resolves when it is over; never rejects. */
  readonly closed: Promise<QueueEnd>;
  readonly #http: GatewayHttp;
  readonly #path: string;
  readonly #work: DeliveryWork;
  readonly #backoff: Backoff;
  readonly #strikes = new Strikes();
  readonly #over = new AbortController();
  readonly #closing = new AbortController();
  #session: QueueSession | undefined;
  #connection: string | undefined;
  /** Hears, while it closes, that what never began was handed back, or cannot be. */
  #onHandedBack: (() => void) | undefined;

  constructor(private readonly options: QueueOptions) {
    const { credit = 100, concurrency = credit, renewForMs = 3_600_000, handle, onSettled, onLost } = options;
    if (!Number.isInteger(credit) || credit < 1 || credit > FRAME_LIMITS.credit) {
      throw new RangeError(`credit must be 1 to ${FRAME_LIMITS.credit}`);
    }
    if (!(concurrency >= 1)) throw new RangeError('concurrency must be at least 1');
    this.#http = new GatewayHttp(options);
    this.#path = `/v1/queues/${encodeURIComponent(options.queue)}`;
    this.#backoff = new Backoff(options.retryMs);
    this.#work = new DeliveryWork({ handle, concurrency, renewForMs, onSettled, onLost }, () => this.#session?.speak());
    let opened!: () => void;
    const first = new Promise<void>((resolve) => (opened = resolve));
    this.closed = this.#run(credit, opened);
    this.ready = Promise.race([first, this.closed.then(neverReady)]);
    this.ready.catch(() => undefined);
  }

  /**
   * Takes nothing more, waits for what is worked on and its settlements, and hands back what has not begun. What is not
   * done with after `graceMs` is given up: its leases run out, and it comes again to others.
   */
  async close({ graceMs = GRACE_MS } = {}): Promise<QueueEnd> {
    if (this.#isClosing) return this.closed;
    this.#closing.abort();
    const session = this.#session;
    const forgotten = this.#work.stop();
    const wasOn = this.#connection !== undefined;
    const isOwing = wasOn && (session === undefined || session.isOwing || forgotten > 0);
    const handedBack = isOwing ? new Promise<void>((resolve) => (this.#onHandedBack = resolve)) : undefined;
    // What is still on its way would come to nobody: the next connection says what is worked on, and the rest comes
    // again to others at once.
    if (isOwing) session?.leave();
    await within(graceMs, [Promise.all([this.#work.whenIdle(), handedBack]), this.closed]);
    this.#work.abandon();
    this.#over.abort();
    this.#session?.leave();
    return this.closed;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(credit: number, opened: () => void): Promise<QueueEnd> {
    const over = this.#over.signal;
    while (!over.aborted) {
      let end: SessionEnd | undefined;
      let error: unknown;
      try {
        end = await this.#serve(credit, opened);
      } catch (caught) {
        error = caught;
      }
      this.#session = undefined;
      if (over.aborted) break;
      const reason = end === undefined ? undefined : ENDS[end.code];
      if (reason !== undefined) return this.#ended({ reason });
      if (this.#backoff.failures === 0) this.#strikes.clear();
      if (this.#strikes.isOut(error)) return this.#ended({ reason: 'refused', error });
      // Left from here, to hand back on the next connection.
      if (end?.code === NORMAL && this.#isClosing) continue;
      // With nothing in hand it is not worth waiting for a gateway that is away.
      if (this.#work.size === 0) this.#onHandedBack?.();
      const retryInMs = this.#backoff.next(error instanceof Refusal ? error.retryAfterMs : 0);
      const { code, reason: said } = end ?? { code: 1006, reason: 'refused' };
      this.options.onDisconnected?.({ code, reason: said, ...(error === undefined ? {} : { error }), retryInMs });
      // Whoever closes it wants to know at once whether there is a gateway to hand back to.
      await pause(retryInMs, this.#isClosing ? over : this.#closing.signal);
    }
    return { reason: 'closed' };
  }

  /** One connection, until its end. @throws Refusal when it was not made, with why */
  async #serve(credit: number, opened: () => void): Promise<SessionEnd> {
    const { tokens, url } = this.#http;
    const { leaseMs, batch, idleMs = IDLE_MS, webSocket, onConnected, onProblem } = this.options;
    const token = await tokens.get();
    const wish = {
      url: `${url}${this.#path}/connect`,
      headers: { authorization: `Bearer ${token}` },
      socketClass: webSocket,
    };
    const connection = this.#connection;
    this.#session = new QueueSession(wish, {
      work: this.#work,
      tokens,
      token,
      credit: () => (this.#isClosing ? 0 : credit),
      leaseMs,
      batch,
      idleMs,
      resume: connection === undefined ? undefined : { connection, leases: this.#work.leases },
      onReady: (id) => {
        this.#connection = id;
        this.#backoff.succeeded();
        this.#onHandedBack?.();
        opened();
        onConnected?.(id);
      },
      onProblem: (problem) => onProblem?.(problem),
    });
    const end = await this.#session.ended;
    if (end.code === EXPIRED_OR_REVOKED) tokens.refused?.(token);
    // Why an upgrade is refused is said to requests only.
    if (!end.wasOpen && !this.#over.signal.aborted) await this.#lookWhy();
    return end;
  }

  async #lookWhy(): Promise<void> {
    const body = { settlements: [{ lease: 'sign-of-life', action: 'renew' }] };
    const response = await this.#http.ask(`${this.#path}/settle`, { body, timeoutMs: ASK_WHY_MS });
    await response.body?.cancel();
  }

  #ended(end: QueueEnd): QueueEnd {
    this.#work.stop();
    this.#work.abandon();
    return end;
  }
}

/** Begins to receive from a queue over WebSocket. */
export function connectQueue(options: QueueOptions): QueueConnection {
  return new QueueConnection(options);
}

function neverReady({ reason, error }: QueueEnd): never {
  throw error ?? new Error(`The connection to the queue ended before it was ready: ${reason}.`);
}
