import type { BatchHandling, ConsumeOptions, ConsumerStatus, HandlingContext, PartitionStatus } from './consume.js';
import { HeddleError } from './errors.js';
import { type FailedEvent, type HandlingGround, SINGLE, UNHANDLED } from './handling-ground.js';
import { KeyWork } from './key-work.js';
import { DEFAULT_RETRY, type RetryRule, type RetrySchedule, retryRule } from './retry-schedule.js';
import { Slots } from './slots.js';
import type { StoredEvent } from './stored-event.js';

/** What the work of a consumer needs of the log it consumes. */
export interface WorkGround {
  /** Writes the dead letter; false when it could not, and the event waits. */
  deadLetter(failed: FailedEvent): Promise<boolean>;
  log(level: 'warn' | 'error', event: string, fields: Record<string, unknown>): void;
  /** When the consumer does not say itself. */
  retry?: RetrySchedule;
  /** The first wait for something that is down; it doubles up to 30 s. */
  firstWaitMs: number;
}

/** What is known of a consumer besides its work. */
export interface Membership {
  isStopped: boolean;
  hasJoined: boolean;
  /** Why it cannot consume although it should. */
  trouble?: string | undefined;
  partitions: PartitionStatus[];
}

const CONCURRENCY = 64;
const HANDLING_MS = 60_000;
const MAX_BATCH = 1000;
const BATCH = { max: 500, waitMs: 20 } as const;

/** All that a consumer handles: what its partitions share, from the slots to the counters. */
export class ConsumerWork implements HandlingGround {
  readonly group: string;
  readonly handlingMs: number;
  readonly tickMs: number;
  readonly retry: RetryRule;
  readonly firstWaitMs: number;
  readonly slots: Slots;
  readonly batches: readonly Required<BatchHandling>[];
  now = Date.now();
  retrying = 0;
  #deadLettered = 0;
  #handled = 0;
  #unhandled = 0;
  #inFlight = 0;
  #overdue = 0;
  #seen: Pick<ConsumerStatus, 'state' | 'since'> = { state: 'joining', since: Date.now() };
  readonly #works = new Set<KeyWork>();
  readonly #hasHandle: boolean;
  readonly #handle: (event: StoredEvent, context: HandlingContext) => Promise<void> | void;
  readonly #wants: (event: StoredEvent) => boolean;
  readonly #onUnhandled: (event: StoredEvent) => void;
  #ticker: NodeJS.Timeout | undefined;

  /** @throws HeddleError `setting-invalid` for sizes and schedules that make no sense. */
  constructor(
    options: ConsumeOptions,
    private readonly ground: WorkGround,
  ) {
    const { concurrency = CONCURRENCY, handlingMs = HANDLING_MS, batches = [] } = options;
    check(Number.isInteger(concurrency) && concurrency >= 1, 'concurrency must be a whole number of at least 1');
    check(handlingMs > 0, 'handlingMs must be more than 0');
    check(options.handle !== undefined || batches.length > 0, 'there must be a handler');
    this.group = options.group;
    this.handlingMs = handlingMs;
    this.tickMs = Math.min(Math.max(handlingMs / 10, 5), 1000);
    this.retry = retryRule(options.retry ?? ground.retry ?? DEFAULT_RETRY);
    this.firstWaitMs = ground.firstWaitMs;
    this.slots = new Slots(concurrency);
    this.batches = batches.map(readyBatch);
    const { handle } = options;
    this.#hasHandle = handle !== undefined;
    this.#handle = handle === undefined ? () => undefined : handle.bind(options);
    this.#wants = handle === undefined ? () => false : (options.wants?.bind(options) ?? (() => true));
    this.#onUnhandled = options.onUnhandled?.bind(options) ?? (() => undefined);
  }

  /** From now on handlers that take too long are noticed. `look` is called as often, to notice what else changes. */
  start(look: () => void): void {
    this.#ticker ??= setInterval(() => {
      this.now = Date.now();
      for (const work of this.#works) work.watch(this.now);
      look();
    }, this.tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** The work of a partition that is this member's from now on; everything below the offset is done. */
  begin(topic: string, partition: number, from: number): KeyWork {
    const work = new KeyWork(this, topic, partition, from);
    this.#works.add(work);
    return work;
  }

  /** What it still has under way counts on until it ends. */
  end(work: KeyWork): Promise<void> {
    return work.revoke().then(() => void this.#works.delete(work));
  }

  handlerOf(event: StoredEvent): number {
    try {
      for (let index = 0; index < this.batches.length; index += 1) if (this.batches[index]?.wants(event)) return index;
      if (this.#wants(event)) return SINGLE;
    } catch {
      // Whoever cannot say whether it wants an event gets it, and fails with it where failures are seen.
      return this.#hasHandle ? SINGLE : 0;
    }
    this.#unhandled += 1;
    try {
      this.#onUnhandled(event);
    } catch (error) {
      this.#log('error', 'consume.unhandled-failed', event, { message: messageOf(error) });
    }
    return UNHANDLED;
  }

  handle(event: StoredEvent, context: HandlingContext): Promise<void> | void {
    return this.#handle(event, context);
  }

  onAttemptBegun(events: number): void {
    this.#inFlight += events;
  }

  onAttemptEnded(events: number, wasOverdue: boolean): void {
    this.#inFlight -= events;
    if (wasOverdue) this.#overdue -= 1;
  }

  onHandled(events: number): void {
    this.#handled += events;
  }

  onOverdue(event: StoredEvent): void {
    this.#overdue += 1;
    this.#log('error', 'handle.overdue', event, { handlingMs: this.handlingMs });
  }

  onFailure(event: StoredEvent, error: unknown, attempt: number, next: 'wait' | 'again' | 'give-up'): void {
    const isOver = next === 'give-up';
    const said = { attempt, next, message: messageOf(error) };
    this.#log(isOver ? 'error' : 'warn', isOver ? 'handle.dead-letter' : 'handle.retry', event, said);
  }

  async deadLetter(failed: FailedEvent): Promise<boolean> {
    const isWritten = await this.ground.deadLetter(failed);
    if (isWritten) this.#deadLettered += 1;
    return isWritten;
  }

  status({ isStopped, hasJoined, trouble, partitions }: Membership): ConsumerStatus {
    const reason = this.#overdue > 0 ? `${this.#overdue} handlers are overdue` : trouble;
    const state = isStopped ? 'stopped' : reason !== undefined ? 'stalled' : hasJoined ? 'consuming' : 'joining';
    if (state !== this.#seen.state) this.#seen = { state, since: Date.now() };
    return {
      ...this.#seen,
      ...(state === 'stalled' && reason !== undefined ? { reason } : {}),
      partitions,
      inFlight: this.#inFlight,
      retrying: this.retrying,
      handled: this.#handled,
      unhandled: this.#unhandled,
      deadLettered: this.#deadLettered,
    };
  }

  #log(level: 'warn' | 'error', name: string, event: StoredEvent, fields: Record<string, unknown>): void {
    const { topic, partition, offset, key } = event;
    this.ground.log(level, name, { group: this.group, topic, partition, offset, key, ...fields });
  }
}

/** @throws HeddleError `consumer-stalled` */
export function mustNotBeStalled(group: string, { state, reason }: ConsumerStatus): void {
  if (state === 'stalled') throw new HeddleError('consumer-stalled', `The consumer of ${group} is stalled: ${reason}.`);
}

function readyBatch({ max = BATCH.max, waitMs = BATCH.waitMs, ...own }: BatchHandling): Required<BatchHandling> {
  check(Number.isInteger(max) && max >= 1 && max <= MAX_BATCH, `max of a batch must be from 1 to ${MAX_BATCH}`);
  check(waitMs >= 0 && waitMs <= HANDLING_MS, `waitMs of a batch must be from 0 to ${HANDLING_MS}`);
  return { max, waitMs, wants: own.wants?.bind(own) ?? (() => true), handle: own.handle.bind(own) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function check(isRight: boolean, rule: string): void {
  if (!isRight) throw new HeddleError('setting-invalid', `Of a consumer, ${rule}.`);
}
