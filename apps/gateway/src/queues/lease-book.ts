import { EndedLeases, type LeaseEnd } from './ended-leases.js';
import { type CountedFlow, type Flow, type FlowRules, Flows } from './flows.js';
import { LeaseExpiry } from './lease-expiry.js';
import { tokenNumber, tokenOf, tokenPrefix, parseLeaseToken } from './lease-token.js';
import type { Lease, LeaseSource, Refusal } from './lease.js';

/** Milliseconds that a lease of a remote receiver may last. */
export const LEASE_LIMITS = { minMs: 1000, maxMs: 3_600_000 } as const;

/** A lease handed to a remote receiver, who settles it by its token. */
export interface Grant {
  readonly token: string;
  readonly lease: Lease;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Who has a lease, as the attempts show it. */
export interface LeaseReceiver {
  kind: 'pull' | 'websocket' | 'amqp' | 'mqtt' | 'messagingrest';
  /** What its connection is known by: its address, say. */
  name: string;
}

/** What a receiver asks for. */
export interface ReceiveWish {
  /** Leases at most. */
  max: number;
  /** Milliseconds each of them lasts; those of the queue when left out. */
  leaseMs?: number | undefined;
  receiver: LeaseReceiver;
  /** Of a receiver that stays, what {@link LeaseBook.open} gave it; others are known by kind and name. */
  flow?: Flow | undefined;
  /** Of a receiver at another instance: what tells it from those that have its name, too. */
  link?: string | undefined;
}

/** What a receiver says about one of its leases. */
export interface Settlement {
  token: string;
  action: 'accept' | 'release' | 'reject' | 'renew';
  /** Of a release: exactly this delay instead of the one of the schedule. */
  delayMs?: number | undefined;
  /** Of a release or reject: one line, kept with the attempt and the dead letter. */
  reason?: string | undefined;
  /** Of a renew: milliseconds from now; those of the queue when left out. */
  leaseMs?: number | undefined;
}

export type SettleErrorCode = 'lease-expired' | 'lease-lost' | 'lease-settled' | 'lease-unknown';

/**
 * The answer to one settlement. What was settled in the same way before is answered like the first time, but for
 * `dueAt`: a receiver that lost an answer may simply repeat. Codes are those of `ERRORS`.
 */
export type SettleResult =
  | { state: 'accepted' | 'rejected' }
  | { state: 'released'; dueAt?: number }
  | { state: 'dead'; reason?: string }
  | { state: 'renewed'; expiresAt: number }
  | { code: SettleErrorCode };

/** What the book knows of its queue. */
export interface BookedQueue {
  uuid: string;
  /** Of the present owner; leases of an earlier one are lost. */
  epoch: number;
  /** Milliseconds a lease lasts unless it asks for another time; asked at each lease, for a definition may change. */
  leaseMs(): number;
  /** Who may have leases; everybody, as many as they want, when left out. */
  flows?(): FlowRules;
}

/**
 * How a lease of a remote receiver ended, for the attempts; one handed back untouched was none. Times are milliseconds
 * since the epoch.
 */
export interface LeaseEnding {
  outcome: 'accepted' | 'released' | 'rejected' | 'expired';
  /** Which attempt it was; the lease itself may count on. */
  attempt: number;
  /** Set where this was the last attempt. */
  final?: 'accepted' | 'dead';
  receiver: LeaseReceiver;
  grantedAt: number;
  endedAt: number;
  reason?: string;
  /** When the next attempt is due. */
  nextAt?: number;
}

interface Held {
  readonly number: number;
  readonly lease: Lease;
  readonly receiver: LeaseReceiver;
  readonly attempt: number;
  readonly grantedAt: number;
  /** By which it is counted, where it has to be. */
  readonly flow: CountedFlow | undefined;
  expiresAt: number;
}

interface Waiter {
  wish: ReceiveWish;
  resolve(grants: Grant[]): void;
}

const ACCEPTED: SettleResult = { state: 'accepted' };
const REJECTED: SettleResult = { state: 'rejected' };
const RELEASED_BEFORE: SettleResult = { state: 'released' };
const DEAD_BEFORE: SettleResult = { state: 'dead' };
const EXPIRED: SettleResult = { code: 'lease-expired' };
const LOST: SettleResult = { code: 'lease-lost' };
const SETTLED: SettleResult = { code: 'lease-settled' };
const UNKNOWN: SettleResult = { code: 'lease-unknown' };

const OPEN_TO_ALL: FlowRules = { exclusive: false };
const RAN_OUT: Refusal = { reason: 'lease ran out' };
const UNTOUCHED: Refusal = { reason: 'handed back untouched', countsAttempt: false };

/**
 * The leases of one queue that remote receivers have, at the queue's owner: gives them out under tokens, takes them
 * back when they are settled or run out, and lets receivers wait, first come first served. Each lease ends once. What
 * is answered here is durable only when the queue has settled: doors wait for that before they pass it on.
 */
export class LeaseBook {
  readonly #prefix: string;
  readonly #held = new Map<number, Held>();
  readonly #ended = new EndedLeases();
  readonly #waiters = new Set<Waiter>();
  readonly #expiry = new LeaseExpiry<Held>((expired) => this.#expire(expired));
  readonly #flows = new Flows(
    () => this.queue.flows?.() ?? OPEN_TO_ALL,
    () => this.wake(),
  );
  #last = 0;
  #busy = false;
  #closed = false;

  constructor(
    private readonly queue: BookedQueue,
    private readonly source: LeaseSource,
    private readonly onEnded?: (lease: Lease, ending: LeaseEnding) => void,
  ) {
    this.#prefix = tokenPrefix(queue.uuid, queue.epoch);
  }

  /** Leases out, and receivers waiting for some. */
  get counts(): { leased: number; waiting: number } {
    return { leased: this.#held.size, waiting: this.#waiters.size };
  }

  /**
   * A receiver that stays, for as long as it does. Of an exclusive queue the first that came is given leases, and the next one
   * once that has left; each is given no more than the queue lets one have out.
   */
  open(): Flow {
    return this.#flows.open();
  }

  /** Leases what is ready, at most as many as wanted; nothing when nothing is, or the book is closed. */
  receive(wish: ReceiveWish): Grant[] {
    this.wake();
    return this.#grant(wish);
  }

  /**
   * Like {@link receive}, but waits up to `waitMs` (which may be `Infinity`) for the first lease. Resolves with none
   * when the time is over, when the signal is aborted, or when the book is closed: then the receiver is to come again.
   */
  async waitFor(wish: ReceiveWish, waitMs: number, signal?: AbortSignal): Promise<Grant[]> {
    const grants = this.receive(wish);
    if (grants.length > 0 || waitMs <= 0 || this.#closed || signal?.aborted === true) return grants;
    return new Promise((resolve) => {
      const end = (given: Grant[]): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#waiters.delete(waiter);
        resolve(given);
      };
      const giveUp = (): void => end([]);
      const waiter: Waiter = { wish, resolve: end };
      const timer = waitMs === Infinity ? undefined : setTimeout(giveUp, waitMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Something can be leased: serves those who wait, in the order they came. */
  wake(): void {
    if (this.#busy) return;
    for (const waiter of this.#waiters) {
      // One that stands by, or has as much as it may have, holds up nobody behind it.
      if (this.#flows.areCounted && this.#flows.roomOf(this.#flowOf(waiter.wish)) === 0) continue;
      const grants = this.#grant(waiter.wish);
      if (grants.length === 0) return;
      waiter.resolve(grants);
    }
  }

  /** Settles leases, each with an answer of its own, in their order. Nothing is thrown. */
  settle(settlements: readonly Settlement[]): SettleResult[] {
    return this.#serveAfter(() => settlements.map((settlement) => this.#settle(settlement)));
  }

  /** Takes back leases that never reached their receiver: they are ready again, and no attempt is counted. */
  handBack(grants: readonly Pick<Grant, 'token'>[]): void {
    this.#serveAfter(() => {
      for (const { token } of grants) {
        const held = this.#held.get(tokenNumber(this.#prefix, token) ?? 0);
        if (held !== undefined) this.#release(held, UNTOUCHED);
      }
    });
  }

  /** The queue is deleted, or another instance owns it: all leases are lost, who waits is to come again. */
  close(): void {
    this.#closed = true;
    this.#held.clear();
    this.#expiry.close();
    for (const waiter of this.#waiters) waiter.resolve([]);
  }

  #flowOf({ flow, receiver: { kind, name }, link = name }: ReceiveWish): CountedFlow {
    return (flow as CountedFlow | undefined) ?? this.#flows.passing({ kind, name: link });
  }

  #grant(wish: ReceiveWish): Grant[] {
    const { leaseMs, receiver } = wish;
    const grants: Grant[] = [];
    if (this.#closed) return grants;
    const flow = this.#flows.areCounted ? this.#flowOf(wish) : undefined;
    const max = flow === undefined ? wish.max : Math.min(wish.max, this.#flows.roomOf(flow));
    const grantedAt = Date.now();
    const expiresAt = grantedAt + (leaseMs ?? this.queue.leaseMs());
    while (grants.length < max) {
      const lease = this.source.acquire();
      if (lease === undefined) break;
      const number = (this.#last += 1);
      const held: Held = { number, lease, receiver, attempt: lease.attempt, grantedAt, flow, expiresAt };
      if (flow !== undefined) this.#flows.granted(flow);
      this.#held.set(number, held);
      this.#ended.granted(number);
      this.#expiry.add(held);
      grants.push({ token: tokenOf(this.#prefix, number), lease, expiresAt });
    }
    return grants;
  }

  #settle(settlement: Settlement): SettleResult {
    const { token, action } = settlement;
    const number = tokenNumber(this.#prefix, token);
    if (number === undefined) return this.#foreign(token);
    const held = this.#held.get(number);
    if (held === undefined) return this.#again(number, action);
    switch (action) {
      case 'accept':
        this.#forget(held, 'accepted');
        this.source.accept(held.lease);
        this.onEnded?.(held.lease, { outcome: 'accepted', final: 'accepted', ...ofHeld(held) });
        return ACCEPTED;
      case 'release': {
        const { delayMs, reason = 'released by the receiver' } = settlement;
        return this.#release(held, delayMs === undefined ? { reason } : { reason, delayMs });
      }
      case 'reject': {
        const { reason = 'rejected by the receiver' } = settlement;
        this.#forget(held, 'rejected');
        this.source.reject(held.lease, { reason });
        this.onEnded?.(held.lease, { outcome: 'rejected', final: 'dead', reason, ...ofHeld(held) });
        return REJECTED;
      }
      case 'renew':
        this.#expiry.remove(held);
        held.expiresAt = Date.now() + (settlement.leaseMs ?? this.queue.leaseMs());
        this.#expiry.add(held);
        return { state: 'renewed', expiresAt: held.expiresAt };
    }
  }

  #release(held: Held, refusal: Refusal): SettleResult {
    const { reason } = refusal;
    const ranOut = refusal === RAN_OUT;
    // Before the queue is told, for it may give the same delivery out again at once.
    this.#forget(held, ranOut ? 'expired' : 'released');
    const released = this.source.release(held.lease, refusal);
    const outcome = ranOut ? 'expired' : 'released';
    if (released.state === 'waiting') {
      const { dueAt } = released;
      if (refusal !== UNTOUCHED) this.onEnded?.(held.lease, { outcome, nextAt: dueAt, reason, ...ofHeld(held) });
      return { state: 'released', dueAt };
    }
    if (!ranOut) this.#ended.ended(held.number, 'dead');
    this.onEnded?.(held.lease, { outcome, final: 'dead', reason, ...ofHeld(held) });
    return { state: 'dead', reason: released.reason };
  }

  #expire(expired: readonly Held[]): void {
    this.#serveAfter(() => {
      for (const held of expired) this.#release(held, RAN_OUT);
    });
  }

  /** Those who wait are served once at the end, with more at a time. */
  #serveAfter<T>(work: () => T): T {
    this.#busy = true;
    try {
      return work();
    } finally {
      this.#busy = false;
      this.wake();
    }
  }

  #forget(held: Held, end: LeaseEnd): void {
    this.#held.delete(held.number);
    this.#expiry.remove(held);
    if (held.flow !== undefined) this.#flows.ended(held.flow);
    this.#ended.ended(held.number, end);
  }

  /** A token of another queue, or of another owner of this one. */
  #foreign(token: string): SettleResult {
    return parseLeaseToken(token)?.queue === this.queue.uuid ? LOST : UNKNOWN;
  }

  /** A lease that is not out any more. */
  #again(number: number, action: Settlement['action']): SettleResult {
    if (number < 1 || number > this.#last) return UNKNOWN;
    const end = this.#ended.endOf(number);
    if (end === undefined) return this.#closed ? LOST : UNKNOWN;
    if (end === 'expired') return EXPIRED;
    if (action === 'accept' && end === 'accepted') return ACCEPTED;
    if (action === 'reject' && end === 'rejected') return REJECTED;
    if (action === 'release' && end === 'released') return RELEASED_BEFORE;
    if (action === 'release' && end === 'dead') return DEAD_BEFORE;
    return SETTLED;
  }
}

function ofHeld({ attempt, receiver, grantedAt }: Held): Omit<LeaseEnding, 'outcome'> {
  return { attempt, receiver, grantedAt, endedAt: Date.now() };
}
