import { DueHeap } from './due-heap.js';

/** Leases end up to this many milliseconds after their time: those of one such span share an entry of the heap. */
const SPAN_MS = 50;

interface Span<T> {
  dueAt: number;
  members: Set<T>;
}

/**
 * When leases run out, with one timer for all of them. What is settled in time leaves nothing behind, for at tens of
 * thousands of leases a second the settled ones of a minute would outnumber those in flight by far.
 */
export class LeaseExpiry<T extends { expiresAt: number }> {
  #spans = new Map<number, Span<T>>();
  #heap = new DueHeap<Span<T>>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  /** @param onExpired gets all leases that have run out since it was last called; they are no longer watched */
  constructor(private readonly onExpired: (expired: T[]) => void) {}

  /** Watches a lease until its `expiresAt` (milliseconds since the epoch). */
  add(lease: T): void {
    const dueAt = spanEnd(lease.expiresAt);
    let span = this.#spans.get(dueAt);
    if (span === undefined) {
      span = { dueAt, members: new Set() };
      this.#spans.set(dueAt, span);
      this.#heap.push(span);
      if (dueAt < this.#timerAt) this.#arm(dueAt);
    }
    span.members.add(lease);
  }

  /** Watches a lease no longer; to be called before its `expiresAt` changes. */
  remove(lease: T): void {
    this.#spans.get(spanEnd(lease.expiresAt))?.members.delete(lease);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timerAt = -Infinity;
    this.#spans.clear();
    this.#heap = new DueHeap();
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, at - Date.now()));
  }

  #expire(): void {
    const now = Date.now();
    const expired: T[] = [];
    this.#timerAt = Infinity;
    for (let span = this.#heap.earliest; span !== undefined && isOver(span, now); span = this.#heap.earliest) {
      this.#heap.pop();
      this.#spans.delete(span.dueAt);
      for (const lease of span.members) expired.push(lease);
    }
    const next = this.#heap.earliest;
    if (next !== undefined) this.#arm(next.dueAt);
    if (expired.length > 0) this.onExpired(expired);
  }
}

/** Spans whose leases were all settled are over at once, so that nobody wakes for them. */
function isOver(span: Span<unknown>, now: number): boolean {
  return span.dueAt <= now || span.members.size === 0;
}

function spanEnd(expiresAt: number): number {
  return Math.ceil(expiresAt / SPAN_MS) * SPAN_MS;
}
