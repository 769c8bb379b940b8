import { requirePermission } from '@heddle/auth';
import { HeddleError, parseAddress } from '@heddle/event';
import type { MessageMode } from '../../messages/message.js';
import { LEASE_LIMITS, type SettleResult, type Settlement } from '../../queues/lease-book.js';
import { checkQueueName } from '../../queues/queue.shape.js';
import { amqpErrorOf } from './conditions.js';
import { ACCEPTED, type DeliveryState, RELEASED } from './delivery-state.js';
import { type LinkSession, type OutgoingLink, WRONG_WAY, creditOf, mostBytesOf, outgoingAttach } from './link.js';
import { linkModeOf, numberProperty } from './link-wishes.js';
import { refusedState, settlementOf, stateOf } from './outcomes.js';
import type { SettledRange } from './performative-writer.js';
import type { Attach, Flow } from './performatives.js';
import type { QueueSource, Taken } from './taken.js';

/** What the client has and has not settled. */
interface Held {
  readonly token: string;
  expiresAt: number;
  /** Until when it is renewed while the link lives. */
  readonly heldUntil: number;
}

/** What was leased and is not written yet. */
interface Pending extends Held {
  readonly prefix: Buffer;
  readonly bare: Buffer;
}

/** What the client said of a delivery, to be passed on with all that came with it. */
interface Said {
  deliveryId: number;
  settlement: Settlement;
  state: DeliveryState;
  /** Whether the client waits for an answer. */
  isAwaited: boolean;
}

/** Deliveries leased in one turn. */
const BATCH = 128;
/** Deliveries that one link may have and not have settled, whatever its credit. */
const MAX_HELD = 10_000;
/** Short leases are hard to renew in time; who is gone is noticed by its connection. */
const LEAST_LEASE_MS = 10_000;
/** How soon a queue that moves is looked for again, and for how long. */
const REOPEN_MS = 200;
const REOPEN_BOUND_MS = 60_000;
const CONNECTION_LOST = 'connection lost';

/**
 * A queue to a client: what its credit allows is leased, written, and settled by what the client says of it. Leases are
 * renewed while the link lives. Without anything to do it is one waiter of the queue and costs nothing.
 */
export class QueueLink implements OutgoingLink {
  readonly isReceiver = false;
  readonly name: string;
  readonly handle: number;
  readonly isSettled: boolean;
  readonly #queue: string;
  readonly #mode: MessageMode;
  readonly #leaseMs: number | undefined;
  readonly #byDefault: DeliveryState;
  readonly #maxBytes: number;
  readonly #held = new Map<number, Held>();
  #pending: Pending[] = [];
  #source: QueueSource;
  #forget: () => void;
  #said: Said[] = [];
  #credit = 0;
  #deliveryCount = 0;
  #isDraining = false;
  #isTaking = false;
  #isStopped = false;
  #waiting: AbortController | undefined;
  #renewAt = Infinity;
  #movedAt = 0;
  #isOver = false;

  /** @throws HeddleError `parameter-invalid`, `permission-missing`, `not-found` */
  constructor(
    private readonly session: LinkSession,
    attach: Attach,
    address: string,
  ) {
    const { name, handle, sndSettleMode, source, properties } = attach;
    this.name = name;
    this.handle = handle;
    this.#queue = queueOf(address);
    const { caller } = session.connection;
    requirePermission(caller, 'consume', 'queue', this.#queue);
    this.isSettled = sndSettleMode === 1;
    this.#mode = linkModeOf(properties);
    this.#leaseMs = numberProperty(properties, 'heddle:lease-ms', LEASE_LIMITS.minMs, LEASE_LIMITS.maxMs);
    this.#byDefault = source?.defaultOutcome ?? RELEASED;
    this.#maxBytes = mostBytesOf(attach);
    this.#source = this.#open();
    this.#forget = this.#source.onClosed((reason) => this.#closed(reason));
    const understood = { address, defaultOutcome: this.#byDefault, isQueue: true };
    session.attached(outgoingAttach(attach, this.isSettled, understood));
  }

  flow(flow: Flow): void {
    const { drain, echo } = flow;
    this.#credit = creditOf(flow, this.#deliveryCount);
    this.#isDraining = drain;
    if (drain || this.#credit === 0) this.#waiting?.abort();
    if (echo && !drain) this.#sayFlow();
    this.#fill();
  }

  transfer(): void {
    this.session.detach(this.handle, WRONG_WAY);
  }

  settle(deliveryId: number, state: DeliveryState | undefined, settled: boolean): boolean {
    const held = this.#held.get(deliveryId);
    if (held === undefined) return true;
    const said = state ?? (settled ? this.#byDefault : undefined);
    // A client that says how far it is has said nothing of what is to become of it.
    if (said === undefined || (said.outcome === 'received' && !settled)) return false;
    if (said.outcome === 'unknown') {
      const description = 'There are no transactions here, nor outcomes beside those of the specification.';
      this.session.detach(this.handle, { condition: 'amqp:not-implemented', description });
      return true;
    }
    this.#held.delete(deliveryId);
    if (this.#said.length === 0) this.session.connection.afterRead(this.#passOn);
    const settlement = settlementOf(held.token, said);
    this.#said.push({ deliveryId, settlement, state: said, isAwaited: !settled });
    return true;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting?.abort();
    this.#passOn();
    this.#handBackPending();
    // The client may have worked on these: they come again by the schedule of the queue, as attempts.
    const lost = { action: 'release', reason: CONNECTION_LOST } as const;
    const settlements = [...this.#held.values()].map(({ token }) => ({ token, ...lost }));
    this.#held.clear();
    if (settlements.length > 0) this.#source.settle(settlements).catch(this.#unsettled);
    this.#forget();
    this.#source.close();
  }

  /** Renews what the client still works on, for as long as it may. */
  tick(now: number): void {
    if (this.#leaseMs !== undefined || now < this.#renewAt) return;
    const leaseMs = this.#leaseTime();
    const due: Held[] = [];
    this.#renewAt = Infinity;
    for (const held of [...this.#pending, ...this.#held.values()]) {
      const renewAt = held.expiresAt - leaseMs / 2;
      if (now >= held.heldUntil || now > held.expiresAt) continue;
      if (now >= renewAt) due.push(held);
      else this.#renewAt = Math.min(this.#renewAt, renewAt);
    }
    if (due.length > 0) void this.#renew(due, leaseMs);
  }

  async #renew(due: readonly Held[], leaseMs: number): Promise<void> {
    try {
      const results = await this.#source.settle(due.map(({ token }) => ({ token, action: 'renew' as const, leaseMs })));
      for (const [at, result] of results.entries()) {
        if ('expiresAt' in result) due[at]!.expiresAt = Number(new Date(result.expiresAt));
      }
    } catch (error) {
      this.#unsettled(error);
    }
    this.#renewAt = 0;
  }

  #open(): QueueSource {
    const { home, caller, address } = this.session.connection;
    return home.sources.open(caller, this.#queue, { kind: 'amqp', name: address });
  }

  #leaseTime(): number {
    return this.#leaseMs ?? Math.max(LEAST_LEASE_MS, this.#source.leaseMs());
  }

  /** Writes what was leased, then takes the next deliveries, where any are wanted and the client keeps up. */
  #fill = (): void => {
    if (this.#isOver || this.#isTaking || !this.#writePending()) return;
    const room = MAX_HELD - this.#held.size;
    // What is settled makes room; the client says so itself.
    if (this.#credit === 0 || room <= 0) {
      if (this.#isDraining) this.#drained();
      return;
    }
    if (!this.session.hasRoom) {
      this.#waitForRoom();
      return;
    }
    this.#isTaking = true;
    const wish = { max: Math.min(this.#credit, BATCH, room), leaseMs: this.#leaseTime(), mode: this.#mode };
    this.#waiting = this.#isDraining ? undefined : new AbortController();
    this.#source.take(wish, this.#waiting?.signal).then(this.#take, this.#lose);
  };

  #take = (taken: readonly Taken[]): void => {
    const wasWaiting = this.#waiting;
    this.#isTaking = false;
    this.#waiting = undefined;
    if (this.#isOver) {
      this.#source.handBack(taken);
      return;
    }
    const heldUntil = Date.now() + this.session.connection.home.settings.amqpHoldSeconds * 1000;
    for (const { token, expiresAt, prefix, bare } of taken) {
      this.#pending.push({ token, expiresAt, heldUntil, prefix, bare });
      this.#renewAt = Math.min(this.#renewAt, expiresAt - this.#leaseTime() / 2);
    }
    if (taken.length > 0) {
      this.#movedAt = 0;
      // One batch a turn, so that neither other connections nor what clients say waits for all of the credit.
      if (this.#writePending() && (this.#credit > 0 || this.#isDraining)) setImmediate(this.#fill);
    } else if (this.#isDraining && wasWaiting === undefined) this.#drained();
    else if (wasWaiting?.signal.aborted === true) this.#fill();
    else this.#reopen();
  };

  /** False when some of it has to wait until the client takes more. */
  #writePending(): boolean {
    let written = 0;
    const now = Date.now();
    for (const pending of this.#pending) {
      // The client may have taken back credit meanwhile.
      if (this.#credit === 0 || !this.session.hasRoom) break;
      written += 1;
      // One that ran out meanwhile is somebody else's.
      if (pending.expiresAt > now) this.#write(pending);
    }
    if (written > 0) this.#pending = this.#pending.slice(written);
    if (this.#pending.length === 0) return true;
    if (this.#credit === 0) {
      this.#handBackPending();
      return true;
    }
    this.#waitForRoom();
    return false;
  }

  #waitForRoom(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.session.onceRoom(() => {
      this.#isStopped = false;
      this.#fill();
    });
  }

  /** Nobody has seen any of it. */
  #handBackPending(): void {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length > 0) this.#source.handBack(pending);
  }

  #write({ token, expiresAt, heldUntil, prefix, bare }: Pending): void {
    const bytes = prefix.length + bare.length;
    if (bytes > this.#maxBytes) {
      // It would be refused unread; the schedule of the queue brings it to another receiver, or to its dead letter.
      const reason = `its ${bytes} bytes are more than the ${this.#maxBytes} that the receiver takes`;
      this.#source.settle([{ token, action: 'release', reason }]).catch(this.#unsettled);
      return;
    }
    this.#credit -= 1;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    const deliveryId = this.session.send(this, prefix, bare);
    if (this.isSettled) {
      this.#said.push({ deliveryId, settlement: { token, action: 'accept' }, state: ACCEPTED, isAwaited: false });
      if (this.#said.length === 1) this.session.connection.afterRead(this.#passOn);
    } else this.#held.set(deliveryId, { token, expiresAt, heldUntil });
  }

  /** Nothing was there any more: the credit that is left is used up (part 2, section 2.6.7). */
  #drained(): void {
    this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0;
    this.#credit = 0;
    this.#isDraining = false;
    this.session.flowOf(this.handle, this.#deliveryCount, 0, true);
  }

  #sayFlow(): void {
    this.session.flowOf(this.handle, this.#deliveryCount, this.#credit, this.#isDraining);
  }

  /** Passes on what was said since the last time, and answers it when it is durable. */
  #passOn = (): void => {
    const said = this.#said;
    if (said.length === 0) return;
    this.#said = [];
    const { connection } = this.session;
    connection.unanswered(said.length);
    this.#source.settle(said.map(({ settlement }) => settlement)).then(
      (results) => {
        connection.unanswered(-said.length);
        this.#answer(said, results);
        this.#fill();
      },
      (error: unknown) => {
        connection.unanswered(-said.length);
        this.#unsettled(error);
        // Nobody knows what became of them: the client is to take them for not settled.
        this.#answer(said, undefined, error);
        this.#fill();
      },
    );
  };

  #answer(said: readonly Said[], results: readonly SettleResult[] | undefined, error?: unknown): void {
    const ranges: SettledRange[] = [];
    for (const [at, { deliveryId, state, isAwaited }] of said.entries()) {
      if (!isAwaited) continue;
      const answered = results === undefined ? refusedState(error) : stateOf(state, results[at]!);
      const last = ranges.at(-1);
      if (last !== undefined && last.state === answered && (last.last + 1) >>> 0 === deliveryId) last.last = deliveryId;
      else ranges.push({ first: deliveryId, last: deliveryId, state: answered });
    }
    if (ranges.length > 0 && !this.#isOver) this.session.settled(false, ranges);
  }

  #closed(reason: 'moved' | 'deleted'): void {
    if (this.#isOver) return;
    if (reason === 'moved') {
      this.#reopen();
      return;
    }
    this.session.detach(this.handle, { condition: 'amqp:resource-deleted', description: 'The queue was deleted.' });
  }

  /** The queue is at work elsewhere now, or will be: what the client has of it is lost, and comes again. */
  #reopen(): void {
    if (this.#isOver || this.#isTaking) return;
    this.#movedAt ||= Date.now();
    this.#isTaking = true;
    setTimeout(() => {
      this.#isTaking = false;
      if (this.#isOver) return;
      try {
        // What was leased there is lost.
        this.#pending = [];
        this.#forget();
        this.#source.close();
        this.#source = this.#open();
        this.#forget = this.#source.onClosed((reason) => this.#closed(reason));
        this.#fill();
      } catch (error) {
        this.#lose(error);
      }
    }, REOPEN_MS);
  }

  #lose = (error: unknown): void => {
    this.#isTaking = false;
    if (this.#isOver) return;
    const isMoving = error instanceof HeddleError && error.retryable;
    if (isMoving && Date.now() - (this.#movedAt || Date.now()) < REOPEN_BOUND_MS) {
      this.#reopen();
      return;
    }
    const isGone = error instanceof HeddleError && error.code === 'not-found';
    const said = amqpErrorOf(error);
    this.session.detach(this.handle, isGone ? { ...said, condition: 'amqp:resource-deleted' } : said);
  };

  #unsettled = (error: unknown): void => {
    if (!(error instanceof HeddleError && error.retryable)) this.session.connection.home.failed(error);
  };
}

/** @throws HeddleError `parameter-invalid` */
function queueOf(address: string): string {
  const { kind, name } = parseAddress(address, 'source.address');
  if (kind === 'queue') return checkQueueName(name);
  throw new HeddleError('parameter-invalid', 'The source of a receiver is queue:<name> or topic:<pattern>.', {
    field: 'source.address',
  });
}
