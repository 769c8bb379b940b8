import type { RetrySchedule } from './retry-schedule.js';
import type { Position, StoredEvent } from './stored-event.js';

/** What a handler knows, and may do, besides the event it is given. */
export interface HandlingContext {
  readonly group: string;
  /** 1 for the first. Waiting for something that is down uses none. */
  readonly attempt: number;
  readonly key: string;
  readonly position: Position;
  /** W3C Trace Context of whoever raised the event; likewise the two ids, all of them attributes of the event. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly correlationId: string | undefined;
  readonly causationId: string | undefined;
  /**
   * Aborted when what the handler does will not count any more, or is no longer waited for: the partition is another
   * member's now, or stopping has lost patience (`AbortError`), or the time for handling is over (`TimeoutError`).
   */
  readonly signal: AbortSignal;
  /** Grants so many milliseconds from now on, `handlingMs` when left out. */
  renew(ms?: number): void;
}

/** What the handler of a batch knows, and may do, besides its events. */
export interface BatchContext {
  readonly group: string;
  /** 1 for the first. On the last attempt of several the events come one by one. */
  readonly attempt: number;
  readonly topic: string;
  readonly partition: number;
  /** As that of {@link HandlingContext}. */
  readonly signal: AbortSignal;
  renew(ms?: number): void;
}

/** Events that are handled together. */
export interface BatchHandling {
  /** Events of a batch at most, up to 1,000 (500). */
  max?: number;
  /** Milliseconds that the first event of a batch waits for others (20). */
  waitMs?: number;
  /** Whether an event is for this handler; all are when left out. Asked before `handle` of the consumer is. */
  wants?(event: StoredEvent): boolean;
  /**
   * Gets events of one partition, in the order of the log. Resolving acknowledges all of them. When it fails, the same
   * events come again by the schedule; on the last attempt, or at once when the error can never be mended, one by one,
   * so that only those that fail alone become dead letters. Meanwhile other keys of the partition go on in batches of
   * their own, and later events of these keys wait.
   */
  handle(events: readonly StoredEvent[], context: BatchContext): Promise<void> | void;
}

/** What a consumer wants, and how it handles events. */
export interface ConsumeOptions {
  /** Members of one group share the partitions of its topics. */
  group: string;
  topics: readonly string[];
  /** Where a group that never committed begins. */
  from: 'earliest' | 'latest';
  /**
   * Returning, or resolving, acknowledges the event. Events of one key come one after another, in order, through every
   * retry; those of different keys may run side by side. What fails holds back its key alone:
   *
   * - an error that says of itself that it is `retryable` (HeddleError: a database, registry or log that is down) is
   *   waited for, with delays that grow to 30 s, as long as it lasts, and uses no attempt;
   * - a HeddleError that is not retryable makes the event a dead letter of the group at once;
   * - after any other error it is handled again by the schedule `retry`, then it is a dead letter.
   *
   * A dead letter has the reason, its code, the class of the last error and the number of attempts.
   */
  handle?(event: StoredEvent, context: HandlingContext): Promise<void> | void;
  /** Whether an event is for `handle`; all are when left out. */
  wants?(event: StoredEvent): boolean;
  /** Handlers of batches; an event goes to the first that wants it, and to no other. */
  batches?: readonly BatchHandling[];
  /** Called for each event that nobody wants. It is acknowledged, and counted in the status. */
  onUnhandled?(event: StoredEvent): void;
  /** Keys, and batches, that are handled side by side (64), over all partitions of this member. */
  concurrency?: number;
  /**
   * Milliseconds that handling may take (60,000). What takes longer without `renew` is told by its signal and in the log
   * (`handle.overdue`), and the consumer is stalled until it ends: it is never begun a second time beside itself.
   */
  handlingMs?: number;
  /** When and how often a failed event is handled again; five attempts within 21 s when left out. */
  retry?: RetrySchedule;
}

/** How far a consumer is in one of its partitions. */
export interface PartitionStatus {
  topic: string;
  partition: number;
  /** Every event below this offset is done with. */
  doneTo: number;
  /** Records behind it, as far as the log has said. */
  lag: number;
}

/** What a consumer does now, for its health and for people who look. */
export interface ConsumerStatus {
  /**
   * `joining` until the group has given it a place, `stalled` when it should be handling and cannot: no answer to a
   * fetch for 15 s, not heard by the group for as long as its session, or a handler that is overdue.
   */
  state: 'joining' | 'consuming' | 'stalled' | 'stopped';
  /** Why it is stalled. */
  reason?: string;
  /** Milliseconds since the epoch, when this state was first noticed. */
  since: number;
  /** Those of this member. */
  partitions: PartitionStatus[];
  /** Events in handlers now. */
  inFlight: number;
  /** Events that failed and wait to be handled again. */
  retrying: number;
  /** Since the start, as the next two. */
  handled: number;
  unhandled: number;
  deadLettered: number;
}

/** A member of a group. */
export interface Consumer {
  status(): ConsumerStatus;
  /** Resolves unless it is stalled, for health checks. @throws HeddleError `consumer-stalled` */
  ping(): Promise<void>;
  /**
   * Begins nothing more, waits for what is being handled as long as its patience lasts, then tells the signals; commits,
   * and leaves the group. Heartbeats go on meanwhile.
   */
  stop(): Promise<void>;
}
