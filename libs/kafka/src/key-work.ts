import type { StoredEvent } from '@heddle/event';

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

/** Events of one partition in memory before it waits: what a key that is retried may pile up. */
const MAX_OPEN = 2000;

/**
 * The events of one partition that are being handled: those of a key one after another, those of different keys side
 * by side. Knows the lowest offset that is not done, which is as far as may be committed.
 */
export class KeyWork {
  private readonly chains = new Map<string, StoredEvent[]>();
  private readonly open = new Set<StoredEvent>();
  private nextOffset: number;
  private room: (() => void) | undefined;
  private isRevoked = false;
  private running = 0;
  private readonly idle: (() => void)[] = [];

  constructor(
    from: number,
    private readonly slots: Slots,
    /** Resolves when the event needs nobody's work any more; never rejects. */
    private readonly finish: (event: StoredEvent, work: KeyWork) => Promise<boolean>,
  ) {
    this.nextOffset = from;
  }

  get isOver(): boolean {
    return this.isRevoked;
  }

  /** Every event below this offset is done. */
  get doneTo(): number {
    let lowest = this.nextOffset;
    for (const event of this.open) if (event.offset < lowest) lowest = event.offset;
    return lowest;
  }

  /** Takes events over; a promise says that there is room for more only when it resolves. */
  add(events: readonly StoredEvent[], nextOffset: number): Promise<void> | undefined {
    if (this.isRevoked) return undefined;
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
    this.isRevoked = true;
    this.room?.();
    if (this.running > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private async work(key: string, chain: StoredEvent[]): Promise<void> {
    this.running += 1;
    for (let event = chain[0]; event !== undefined && !this.isRevoked; event = chain[0]) {
      const turn = this.slots.take();
      if (turn !== undefined) await turn;
      // It may have been revoked while it waited for its turn.
      const isDone = this.isRevoked ? this.giveUp() : await this.finish(event, this);
      if (!isDone) break;
      chain.shift();
      this.open.delete(event);
      if (this.room !== undefined && this.open.size <= MAX_OPEN / 2) {
        this.room();
        this.room = undefined;
      }
    }
    if (!this.isRevoked) this.chains.delete(key);
    this.running -= 1;
    if (this.running === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  private giveUp(): false {
    this.slots.give();
    return false;
  }
}
