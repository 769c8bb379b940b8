import type { Log } from '@heddle/runtime';
import { type AttemptOutcome, Endpoint, type Verdict, judge, unmade } from '../../deliver.js';
import type { AttemptRecord, ErrorClass } from '../../ledger/attempt.js';
import type { GatewayMetrics } from '../../metrics.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import type { Lease, LeaseSource, Refusal, Released } from '../../queues/lease.js';
import type { BreakerState } from './circuit-breaker.js';
import { Delivery, type QueueIdentity, attemptRecord, withReleased } from './delivery.js';
import type { DeliveryTurns, Seat } from './delivery-turns.js';
import { type EndpointChange, EndpointGovernor } from './endpoint-governor.js';
import { RequestMaker } from './request-maker.js';
import { type WebhookDefinition, rateLimitOf, standstillOf } from './webhook.js';

/** What all receivers of a process share, and whom they tell. */
export interface ReceiverParts {
  turns: DeliveryTurns;
  ledger: { attempt(record: AttemptRecord): void };
  metrics: Pick<GatewayMetrics, 'attempts' | 'attemptSeconds' | 'deliverySeconds'>;
  log: Log;
  /** Where receivers may be. */
  network: ReceiverNetwork;
  /** Under which topics go out. */
  namespaces: Namespaces;
  /**
   * An endpoint began to fail, is well again, or wants no more events (410): then nothing goes to it until the receiver
   * is redefined. The webhook is that of the definition the receiver has now.
   */
  onEndpoint(webhook: WebhookDefinition, change: EndpointChange | 'disabled', reason: string): void;
}

/** Since this instance took the webhook over; times are RFC 3339. */
export interface ReceiverStatistics {
  delivered: number;
  failedAttempts: number;
  inFlight: number;
  /** How many requests may be under way at once, as things are. */
  cap: number;
  breaker: BreakerState;
  /** Until when the receiver asked for a pause. */
  pausedUntil?: string;
  /** How the last attempt ended: `status 204`, or why it failed. */
  lastStatus?: string;
  lastAttemptAt?: string;
  lastSuccessAt?: string;
  lastFailureAt?: string;
  lastFailure?: string;
}

/** A queue at work, and which one it is. */
export type ReceiverSource = LeaseSource & { readonly definition: QueueIdentity };

/** Takes leases from a queue when it is its turn, and makes an attempt with each; the outcome settles the lease. */
export class WebhookReceiver {
  #definition: WebhookDefinition;
  #maker: RequestMaker;
  #endpoint: Endpoint;
  /** Endpoints of definitions before this one, while attempts to them are under way. */
  #retired: Endpoint[] = [];
  readonly #governor: EndpointGovernor;
  readonly #seat: Seat;
  /** Leases for the next batch. */
  #collected: Lease[] = [];
  #collectedUntil = 0;
  /** Deliveries that wait for credentials. */
  readonly #waiting = new Set<Delivery>();
  #gone = false;
  #stopped = false;
  #onIdle: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #delivered = 0;
  #failedAttempts = 0;
  #lastStatus = '';
  #lastAttemptAt = 0;
  #lastSuccessAt = 0;
  #lastFailure: { at: number; reason: string } | undefined;
  readonly #onEnded = (delivery: Delivery, outcome: AttemptOutcome): void => this.#ended(delivery, outcome);

  constructor(
    definition: WebhookDefinition,
    private readonly source: ReceiverSource,
    private readonly parts: ReceiverParts,
  ) {
    this.#definition = definition;
    this.#maker = new RequestMaker(definition, parts);
    this.#endpoint = this.#newEndpoint();
    this.#governor = new EndpointGovernor(limitsOf(definition));
    this.#seat = parts.turns.join(this);
  }

  /**
   * Goes on with a changed definition, forgiving failures and a 410; attempts under way end as they began. A pause that
   * the receiver asked for ends only where it is another endpoint now, or where delivery was stopped by hand before.
   */
  redefine(definition: WebhookDefinition): void {
    const [before, makerBefore] = [this.#definition, this.#maker];
    this.#definition = definition;
    this.#maker = new RequestMaker(definition, this.parts, makerBefore);
    const isElsewhere = this.#maker.origin !== makerBefore.origin;
    if (
      isElsewhere ||
      before.delivery.timeoutMs !== definition.delivery.timeoutMs ||
      JSON.stringify(makerBefore.tls) !== JSON.stringify(this.#maker.tls)
    ) {
      this.#endpoint.retire();
      this.#retired = [...this.#retired, this.#endpoint].filter(({ attempts }) => attempts > 0);
      this.#endpoint = this.#newEndpoint();
    }
    const isResumed = standstillOf(before) !== undefined && standstillOf(definition) === undefined;
    if (isElsewhere || isResumed) this.#governor.unpause();
    this.#governor.limit(limitsOf(definition));
    this.#governor.forgive();
    this.#gone = false;
    this.#giveBack('the webhook was changed');
    this.pump();
  }

  /** There may be something to deliver. */
  pump(): void {
    if (!this.#isStill) this.#seat.ready();
  }

  /** Begins one request, if it may; called when it is its turn. */
  begin(): number {
    if (this.#isStill) return 0;
    const now = performance.now();
    const { batch } = this.#definition.delivery;
    if (batch !== undefined) return this.#beginBatch(batch, now);
    if (!this.#mayBegin(now)) return 0;
    const lease = this.source.acquire();
    if (lease === undefined) return 0;
    this.#send([lease], now);
    return 1;
  }

  get statistics(): ReceiverStatistics {
    const now = performance.now();
    const { inFlight, cap, breaker, pausedUntil } = this.#governor;
    return {
      delivered: this.#delivered,
      failedAttempts: this.#failedAttempts,
      inFlight,
      cap,
      breaker,
      ...(pausedUntil <= now ? {} : { pausedUntil: new Date(Date.now() + pausedUntil - now).toISOString() }),
      ...(this.#lastStatus === '' ? {} : { lastStatus: this.#lastStatus }),
      ...(this.#lastAttemptAt === 0 ? {} : { lastAttemptAt: new Date(this.#lastAttemptAt).toISOString() }),
      ...(this.#lastSuccessAt === 0 ? {} : { lastSuccessAt: new Date(this.#lastSuccessAt).toISOString() }),
      ...failureView(this.#lastFailure),
    };
  }

  /** Leases nothing more, gives attempts under way some time to end, then cuts them off: they are repeated later. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#giveBack('the receiver stopped');
    for (const delivery of this.#waiting) delivery.ended({ ...unmade('internal', 'not begun'), abandoned: true });
    if (this.#governor.inFlight > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#seat.leave();
    for (const endpoint of [...this.#retired, this.#endpoint]) endpoint.close();
  }

  get #isStill(): boolean {
    return this.#stopped || this.#gone || standstillOf(this.#definition) !== undefined;
  }

  #mayBegin(now: number): boolean {
    const at = this.#governor.nextAt;
    if (at <= now) return true;
    this.#wakeAt(at, now);
    return false;
  }

  /** Under `order: key` no two leases of a batch have one key, so that their order within it means nothing. */
  #beginBatch({ size, waitMs }: { size: number; waitMs: number }, now: number): number {
    if (this.#governor.isShut(now)) {
      this.#giveBack('nothing goes to the endpoint now');
      this.#wakeAt(this.#governor.nextAt, now);
      return 0;
    }
    while (this.#collected.length < size) {
      const lease = this.source.acquire();
      if (lease === undefined) break;
      if (this.#collected.push(lease) === 1) this.#collectedUntil = now + waitMs;
    }
    const leases = this.#collected;
    if (leases.length === 0) return 0;
    if (leases.length < size && now < this.#collectedUntil) {
      this.#wakeAt(this.#collectedUntil, now);
      return 0;
    }
    if (!this.#mayBegin(now)) return 0;
    this.#collected = [];
    this.#send(leases, now);
    return leases.length;
  }

  #send(leases: readonly Lease[], now: number): void {
    const delivery = new Delivery(leases, this.#governor.begin(now), this.#onEnded);
    this.#seat.begun(
      now,
      leases.every(({ attempt, cycle }) => attempt > 1 || cycle !== ''),
    );
    const ready = this.#maker.ready();
    if (ready === undefined) return this.#attempt(delivery);
    this.#waiting.add(delivery);
    ready.then(
      () => {
        if (this.#waiting.delete(delivery)) this.#attempt(delivery);
      },
      (error: unknown) => {
        if (this.#waiting.has(delivery)) delivery.ended(unmade('credentials', messageOf(error)));
      },
    );
  }

  #attempt(delivery: Delivery): void {
    if (this.#isStill) return delivery.ended({ ...unmade('internal', 'not begun'), abandoned: true });
    try {
      delivery.made = this.#maker.make(delivery.leases);
    } catch (error) {
      return delivery.ended(unmade('internal', messageOf(error)));
    }
    this.#endpoint.attempt(delivery.made, delivery);
  }

  #ended(delivery: Delivery, outcome: AttemptOutcome): void {
    this.#waiting.delete(delivery);
    const { passage, first } = delivery;
    const now = performance.now();
    if (outcome.abandoned) {
      this.#governor.abandoned(passage);
      this.#seat.ended(now, Infinity);
      const reason = 'cut off by the gateway';
      this.#handBack(delivery, outcome, 'internal', { reason, countsAttempt: outcome.sent });
    } else {
      const verdict = this.#judge(delivery, outcome);
      const change = this.#governor.ended(passage, now, verdict, first.event.stored.key);
      this.#seat.ended(now, verdict.done ? outcome.totalMs : Infinity);
      this.#lastAttemptAt = delivery.at;
      const { attempts, attemptSeconds } = this.parts.metrics;
      attempts.inc({ outcome: verdict.done ? 'delivered' : 'failed' }, delivery.leases.length);
      attemptSeconds.observe(outcome.totalMs / 1000);
      if (verdict.done) this.#accept(delivery, outcome);
      else this.#release(delivery, outcome, verdict);
      if (change !== undefined) this.parts.onEndpoint(this.#definition, change, this.#lastStatus);
    }
    if (this.#governor.inFlight === 0) this.#onIdle?.();
    this.#seat.ready();
  }

  #judge({ made }: Delivery, outcome: AttemptOutcome): Verdict {
    const verdict = judge(outcome);
    // A token that ran out early is replaced; that says nothing about the endpoint.
    if (outcome.status !== 401 || made?.token === undefined || verdict.done) return verdict;
    return this.#maker.refused(made) ? { ...verdict, blame: 'pace', again: true } : verdict;
  }

  #accept(delivery: Delivery, outcome: AttemptOutcome): void {
    const { ledger, metrics, log } = this.parts;
    this.#delivered += delivery.leases.length;
    this.#lastSuccessAt = delivery.at;
    this.#lastStatus = `status ${outcome.status}`;
    for (const lease of delivery.leases) {
      const record = this.#record(delivery, lease, outcome);
      record.final = 'accepted';
      ledger.attempt(record);
      this.source.accept(lease);
      metrics.deliverySeconds.observe((Date.now() - lease.event.stored.appendedAt) / 1000);
    }
    if (log.isLevelEnabled('debug')) log.debug(this.#line('webhook-delivered', delivery, outcome), 'delivered');
  }

  #release(delivery: Delivery, outcome: AttemptOutcome, verdict: Extract<Verdict, { done: false }>): void {
    const { reason, errorClass, pauseMs, disable, again } = verdict;
    this.#failedAttempts += delivery.leases.length;
    this.#lastStatus = reason;
    this.#lastFailure = { at: delivery.at, reason };
    // Before the leases are back, for they could be acquired again at once.
    const disabled = disable && !this.#gone;
    if (disable) this.#gone = true;
    // A 410 counts, too: the receiver has had the event, and when it comes again it is to say so.
    const refusal: Refusal = { reason };
    if (outcome.status !== 0) refusal.answer = answerOf(outcome);
    if (pauseMs > 0) refusal.notBeforeMs = pauseMs;
    if (again) refusal.delayMs = 0;
    this.#handBack(delivery, outcome, errorClass, refusal);
    this.parts.log.warn({ ...this.#line('webhook-failed', delivery, outcome), reason }, 'attempt failed');
    if (disabled) {
      this.#giveBack(reason);
      this.parts.onEndpoint(this.#definition, 'disabled', reason);
    }
  }

  #handBack(delivery: Delivery, outcome: AttemptOutcome, errorClass: ErrorClass, refusal: Refusal): void {
    for (const lease of delivery.leases) {
      const record = this.#record(delivery, lease, outcome);
      const released = this.#returned(lease, refusal);
      // What was never begun is no attempt.
      if (!outcome.abandoned || outcome.sent) {
        this.parts.ledger.attempt(withReleased(record, refusal.reason, errorClass, released));
      }
    }
  }

  /** What was begun at most once is not begun again. */
  #returned(lease: Lease, refusal: Refusal): Released {
    if (this.#definition.delivery.atMostOnce !== true || refusal.countsAttempt === false || refusal.delayMs === 0) {
      return this.source.release(lease, refusal);
    }
    this.source.reject(lease, refusal);
    return { state: 'dead', reason: refusal.reason };
  }

  #record(delivery: Delivery, lease: Lease, outcome: AttemptOutcome): AttemptRecord {
    return attemptRecord(this.#definition.name, this.source.definition, delivery, lease, outcome);
  }

  #line(event: string, { leases, first }: Delivery, { totalMs }: AttemptOutcome): object {
    const { attributes, key } = first.event.stored;
    return {
      event,
      tenant: this.#definition.tenant,
      webhook: this.#definition.name,
      id: attributes.id,
      type: attributes.type,
      key,
      attempt: first.attempt,
      ms: Math.round(totalMs * 10) / 10,
      ...(leases.length === 1 ? {} : { events: leases.length }),
    };
  }

  /** Hands back what was collected for a batch and did not leave. */
  #giveBack(reason: string): void {
    for (const lease of this.#collected.splice(0)) this.source.release(lease, { reason, countsAttempt: false });
  }

  #wakeAt(at: number, now: number): void {
    if (at === Infinity || (this.#timer !== undefined && this.#timerAt <= at)) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.pump();
      },
      Math.max(1, Math.ceil(at - now)),
    );
  }

  #newEndpoint(): Endpoint {
    const { timeoutMs } = this.#definition.delivery;
    const { origin, tls } = this.#maker;
    const redact = (excerpt: string): string => this.#maker.redacted(excerpt);
    return new Endpoint(origin, { timeoutMs, tls, network: this.parts.network, redact });
  }
}

function limitsOf(definition: WebhookDefinition): { maxInFlight: number; ratePerSecond: number | undefined } {
  return { maxInFlight: definition.delivery.maxInFlight, ratePerSecond: rateLimitOf(definition) };
}

function failureView(failure: { at: number; reason: string } | undefined): Partial<ReceiverStatistics> {
  return failure === undefined
    ? {}
    : { lastFailureAt: new Date(failure.at).toISOString(), lastFailure: failure.reason };
}

/** As a dead letter keeps it. */
function answerOf({ status, excerpt }: AttemptOutcome): string {
  return excerpt === undefined ? `status ${status}` : `status ${status}: ${excerpt}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
