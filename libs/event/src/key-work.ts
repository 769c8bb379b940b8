import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from './errors.js';
import type { StoredEvent } from './event-log.js';

/** At most this many of something at a time. */
export class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  take(): Promise<void> | undefined {
    if (this.free > 0) {
      this.free -= 1;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  give(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}

/** What handling an event came to, when it failed. */
export interface HandlingFailure {
  event: StoredEvent;
  error: unknown;
  attempt: number;
  isRetryable: boolean;
}

export interface KeyWorkSettings {
  /** Everything below this offset is done already. */
  from: number;
  /** Shared by all work of one consumer: events handled side by side. */
  slots: Slots;
  handle(event: StoredEvent): Promise<void>;
  /** Writes the dead letter; false when it could not, and the event waits. */
  deadLetter(event: StoredEvent, error: unknown): Promise<boolean>;
  onFailure(failure: HandlingFailure): void;
  /** The first delay before an event is tried again; it doubles up to 150 times that. */
  retryMs: number;
}

/** Events of one partition in memory before it waits: what a key that is tried again may pile up. */
const MAX_OPEN = 2000;
const LONGEST_DELAY = 150;

/**
 * The events of one partition that a consumer handles: those of a key one after another, those of different keys side
 * by side. Knows the lowest offset that is not done, which is as far as the group's position may go.
 */
export class KeyWork {
  private readonly chains = new Map<string, StoredEvent[]>();
  private readonly open = new Set<StoredEvent>();
  private nextOffset: number;
  private room: (() => void) | undefined;
  private running = 0;
  private readonly idle: (() => void)[] = [];
  private readonly revoked = new AbortController();

  constructor(private readonly settings: KeyWorkSettings) {
    this.nextOffset = settings.from;
  }

  /** Every event below this offset is done. */
  get doneTo(): number {
    let lowest = this.nextOffset;
    for (const event of this.open) if (event.offset < lowest) lowest = event.offset;
    return lowest;
  }

  /** Takes events over; there is room for more when the promise resolves, or at once. */
  add(events: readonly StoredEvent[], nextOffset: number): Promise<void> | undefined {
    if (this.revoked.signal.aborted) return undefined;
    this.nextOffset = nextOffset;
    for (const event of events) {
      this.open.add(event);
      const chain = this.chains.get(event.key);
      if (chain !== undefined) {
        chain.push(event);
        continue;
      }
      const fresh = [event];
      this.chains.set(event.key, fresh);
      void this.work(event.key, fresh);
    }
    if (this.open.size < MAX_OPEN) return undefined;
    return new Promise((resolve) => (this.room = resolve));
  }

  /** Begins nothing more; resolves when nothing is being handled. */
  async revoke(): Promise<void> {
    this.revoked.abort();
    this.room?.();
    if (this.running > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private async work(key: string, chain: StoredEvent[]): Promise<void> {
    this.running += 1;
    for (let event = chain[0]; event !== undefined; event = chain[0]) {
      if (!(await this.finish(event))) break;
      chain.shift();
      this.open.delete(event);
      if (this.open.size <= MAX_OPEN / 2) this.room?.();
    }
    if (chain.length === 0) this.chains.delete(key);
    this.running -= 1;
    if (this.running === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  /** Until it is handled or its dead letter is written; false when it is no longer this consumer's to handle. */
  private async finish(event: StoredEvent): Promise<boolean> {
    const { settings } = this;
    for (let attempt = 0; !this.revoked.signal.aborted; attempt += 1) {
      // A key that waits to be tried again must not keep others from their turn: the slot is for the attempt only.
      const turn = settings.slots.take();
      if (turn !== undefined) await turn;
      const failure = await this.attempt(event, attempt).finally(() => settings.slots.give());
      if (failure === undefined) return true;
      if (failure === 'revoked') return false;
      settings.onFailure(failure);
      if (!failure.isRetryable && (await settings.deadLetter(event, failure.error))) return true;
      const factor = Math.min(2 ** Math.min(attempt, 20), LONGEST_DELAY) * (0.75 + Math.random() / 4);
      await delay(settings.retryMs * factor, undefined, { signal: this.revoked.signal }).catch(() => undefined);
    }
    return false;
  }

  private async attempt(event: StoredEvent, attempt: number): Promise<HandlingFailure | 'revoked' | undefined> {
    if (this.revoked.signal.aborted) return 'revoked';
    try {
      await this.settings.handle(event);
      return undefined;
    } catch (error) {
      return { event, error, attempt, isRetryable: error instanceof HeddleError && error.retryable };
    }
  }
}
