import { Backoff, pause, within } from './backoff.js';
import type { CloudEvent } from './cloud-event.js';
import { DeliveryWork } from './delivery-work.js';
import type { Delivery, Handle, SettleResult, Settlement, WireDelivery } from './delivery.js';
import { type Gateway, GatewayHttp } from './gateway-http.js';
import { Refusal } from './refusal.js';
import { Strikes } from './strikes.js';

/** Which queue is worked off over HTTP, how, and how much at a time. */
export interface PullOptions extends Gateway {
  queue: string;
  handle: Handle;
  /** Events worked on at a time, 50 by default. Only as many are received as can begin at once. */
  concurrency?: number;
  /** Milliseconds that a request waits for the first event, up to 30,000; 20,000 by default. */
  waitMs?: number;
  /** Milliseconds each lease lasts; 30,000 by default. */
  leaseMs?: number;
  /** For so long the lease of an event is renewed while its handler runs, in milliseconds; an hour by default. */
  renewForMs?: number;
  /** Hears what the gateway answered about each delivery. */
  onSettled?(event: CloudEvent, delivery: Delivery, result: SettleResult): void;
  /** Hears of leases that were lost while they were worked on. */
  onLost?(event: CloudEvent, delivery: Delivery, code: string): void;
  /** Hears of a request that failed, and when it is made again. */
  onTrouble?(error: unknown, retryInMs: number): void;
  /** The first pause before a request is made again, in milliseconds; each may be twice the one before, up to 15 s. */
  retryMs?: number;
}

/** Why it is over: closed by its user, or refused by the gateway for good. */
export interface PullEnd {
  reason: 'closed' | 'refused';
  error?: unknown;
}

/** What one request may hold (docs/guides/queues.md). */
const MAX = { deliveries: 1000, settlements: 1000, waitMs: 30_000 };
const GRACE_MS = 30_000;
const ANSWER_MS = 15_000;
const TICK_MS = 250;

/**
 * A receiver of a queue over HTTP: asks for events and waits for them, works on them, and says of many at once what became
 * of them. What may succeed later is tried again, less often each time, or when the gateway says.
 */
export class PullWorker {
  /** Resolves when it is over; never rejects. */
  readonly closed: Promise<PullEnd>;
  readonly #http: GatewayHttp;
  readonly #path: string;
  readonly #work: DeliveryWork;
  readonly #closing = new AbortController();
  readonly #over = new AbortController();
  readonly #leaseMs: number;
  readonly #wakers = new Set<() => void>();
  #isSettling = false;
  #isRenewing = false;

  constructor(private readonly options: PullOptions) {
    const { concurrency = 50, renewForMs = 3_600_000, handle, onSettled, onLost } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1) throw new RangeError('concurrency must be at least 1');
    this.#http = new GatewayHttp(options);
    this.#path = `/v1/queues/${encodeURIComponent(options.queue)}`;
    this.#leaseMs = options.leaseMs ?? 30_000;
    this.#work = new DeliveryWork({ handle, concurrency, renewForMs, onSettled, onLost }, () => void this.#settleAll());
    const tick = setInterval(() => void this.#renew(), TICK_MS);
    this.closed = this.#run().finally(() => clearInterval(tick));
  }

  /**
   * Takes nothing more, and waits for what is worked on and its settlements, `graceMs` at most; what is not done with by
   * then comes again to others.
   */
  async close({ graceMs = GRACE_MS } = {}): Promise<PullEnd> {
    if (!this.#closing.signal.aborted) {
      this.#work.stop();
      this.#closing.abort();
      this.#wake();
      await within(graceMs, [this.#work.whenIdle(), this.closed]);
      this.#work.abandon();
      this.#over.abort();
    }
    return this.closed;
  }

  async #run(): Promise<PullEnd> {
    const backoff = new Backoff(this.options.retryMs);
    const strikes = new Strikes();
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#room();
        if (signal.aborted) break;
        this.#work.add(await this.#receive(signal));
        backoff.succeeded();
        strikes.clear();
      } catch (error) {
        if (signal.aborted) break;
        if (strikes.isOut(error)) return this.#refused(error);
        const retryInMs = backoff.next(error instanceof Refusal ? error.retryAfterMs : 0);
        this.options.onTrouble?.(error, retryInMs);
        await pause(retryInMs, signal);
      }
    }
    await new Promise<void>((resolve) => {
      if (this.#over.signal.aborted) resolve();
      else this.#over.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return { reason: 'closed' };
  }

  /** Resolves once something could begin. */
  async #room(): Promise<void> {
    while (this.#work.free === 0 && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => this.#wakers.add(resolve));
    }
  }

  /** What is cut off when it closes is given back by the gateway, or comes again when its lease has run out. */
  async #receive(signal: AbortSignal): Promise<WireDelivery[]> {
    const { waitMs = 20_000 } = this.options;
    const max = Math.min(MAX.deliveries, this.#work.free);
    const body = { max, waitMs: Math.min(MAX.waitMs, waitMs), leaseMs: this.#leaseMs };
    const asking = { body, timeoutMs: waitMs + ANSWER_MS, signal };
    return (await this.#http.askJson<{ deliveries: WireDelivery[] }>(`${this.#path}/receive`, asking)).deliveries;
  }

  /** One request at a time: what is done meanwhile goes into the next. */
  async #settleAll(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      const backoff = new Backoff(this.options.retryMs);
      // Handlers that end at the same time are settled together.
      await pause(0);
      this.#wake();
      for (let taken = this.#take(); taken.length > 0; taken = this.#take()) {
        while (!(await this.#settle(taken, backoff))) if (this.#over.signal.aborted) return;
        this.#wake();
      }
    } finally {
      this.#isSettling = false;
    }
  }

  #take(): Settlement[] {
    return this.#work.take(MAX.settlements);
  }

  /** Whether it was answered; when not, after the pause that is due. To settle twice is as good as once. */
  async #settle(settlements: Settlement[], backoff: Backoff): Promise<boolean> {
    const saidAt = Date.now();
    try {
      const asking = { body: { settlements }, timeoutMs: ANSWER_MS };
      const { results } = await this.#http.askJson<{ results: SettleResult[] }>(`${this.#path}/settle`, asking);
      this.#work.answered(results, saidAt);
      backoff.succeeded();
      return true;
    } catch (error) {
      const retryInMs = backoff.next(error instanceof Refusal ? error.retryAfterMs : 0);
      this.options.onTrouble?.(error, retryInMs);
      if (error instanceof Refusal && !error.retryable) {
        // Said again it would not be heard either: the leases run out, and the events come again.
        const { code } = error;
        this.#work.answered(
          settlements.map(({ lease }) => ({ lease, code })),
          saidAt,
        );
        return true;
      }
      await pause(retryInMs, this.#over.signal);
      return false;
    }
  }

  async #renew(): Promise<void> {
    const renewals = this.#work.renewals(this.#leaseMs);
    if (renewals.length === 0 || this.#isRenewing) return;
    this.#isRenewing = true;
    for (let at = 0; at < renewals.length; at += MAX.settlements) {
      // One that fails is due again at the next look.
      const settlements = renewals.slice(at, at + MAX.settlements);
      const saidAt = Date.now();
      const asking = { body: { settlements }, timeoutMs: ANSWER_MS };
      await this.#http
        .askJson<{ results: SettleResult[] }>(`${this.#path}/settle`, asking)
        .then(({ results }) => this.#work.answered(results, saidAt))
        .catch((error: unknown) => this.options.onTrouble?.(error, TICK_MS));
    }
    this.#isRenewing = false;
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  }

  #refused(error: unknown): PullEnd {
    this.#work.stop();
    this.#work.abandon();
    return { reason: 'refused', error };
  }
}

/** Begins to receive from a queue over HTTP. */
export function pullQueue(options: PullOptions): PullWorker {
  return new PullWorker(options);
}
