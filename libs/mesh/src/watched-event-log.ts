import {
  type Append,
  type AppendOutcome,
  type ConsumeOptions,
  type Consumer,
  MemoryEventLog,
  type Position,
  type StoredEvent,
} from '@heddle/event';

/** One failure of a handler. */
export interface HandlerFailure {
  event: StoredEvent;
  error: unknown;
  /** 1 for the first. */
  attempt: number;
}

/** An event log in memory that sees every event that comes in, and what becomes of those that handlers get. */
export class WatchedEventLog extends MemoryEventLog {
  readonly events: StoredEvent[] = [];
  readonly failures: HandlerFailure[] = [];
  /** Rises with everything that happens. */
  changes = 0;
  readonly #done = new Set<string>();
  readonly #attempts = new Map<string, number>();
  readonly #consumed = new Set<string>();

  override async append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    const outcomes = await super.append(appends);
    for (const outcome of outcomes) if ('position' in outcome) this.#saw(outcome.position);
    return outcomes;
  }

  override consume(options: ConsumeOptions): Promise<Consumer> {
    for (const topic of options.topics) this.#consumed.add(topic);
    const { handle, batches = [], onUnhandled } = options;
    const watched: ConsumeOptions = {
      ...options,
      batches: batches.map((batch) => ({
        ...batch,
        handle: (events, context) => this.#watch(events, () => batch.handle(events, context)),
      })),
      onUnhandled: (event) => {
        this.#done.add(nameOf(event));
        onUnhandled?.(event);
        this.changes += 1;
      },
    };
    if (handle !== undefined) watched.handle = (event, context) => this.#watch([event], () => handle(event, context));
    return super.consume(watched);
  }

  /** What of the events that come to handlers is neither handled nor given up, in words. */
  openEvents(): string[] {
    const done = new Set([...this.#done, ...this.deadLetters.map(({ event }) => nameOf(event))]);
    const open = this.events.filter((event) => this.#consumed.has(event.topic) && !done.has(nameOf(event)));
    return open.map((event) => {
      const error = this.failures.findLast((failure) => nameOf(failure.event) === nameOf(event))?.error;
      const why = error instanceof Error ? `, it failed with ${error.message}` : '';
      return `${event.attributes.type} of ${event.key} is not handled${why}`;
    });
  }

  #saw({ topic, partition, offset }: Position): void {
    this.changes += 1;
    const [event] = this.records(topic, partition, offset).events;
    if (event !== undefined) this.events.push(event);
  }

  async #watch(events: readonly StoredEvent[], handle: () => Promise<void> | void): Promise<void> {
    const names = events.map(nameOf);
    for (const name of names) this.#attempts.set(name, (this.#attempts.get(name) ?? 0) + 1);
    try {
      await handle();
      for (const name of names) this.#done.add(name);
    } catch (error) {
      for (const event of events) {
        this.failures.push({ event, error, attempt: this.#attempts.get(nameOf(event)) ?? 1 });
      }
      throw error;
    } finally {
      this.changes += 1;
    }
  }
}

function nameOf({ topic, partition, offset }: Position): string {
  return `${topic}/${partition}/${offset}`;
}
