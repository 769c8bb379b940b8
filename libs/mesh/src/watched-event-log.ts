import {
  type Append,
  type AppendOutcome,
  type ConsumeOptions,
  type Consumer,
  MemoryEventLog,
  type Position,
  type StoredEvent,
} from '@heddle/event';
import type { HandlerArguments } from './handlers.js';

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
    const { handle } = options;
    return super.consume({ ...options, handle: (...args) => this.#handle(handle, args) });
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

  async #handle(handle: NonNullable<ConsumeOptions['handle']>, args: HandlerArguments): Promise<void> {
    const [event] = args;
    const name = nameOf(event);
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    try {
      await handle(...args);
      this.#done.add(name);
    } catch (error) {
      this.failures.push({ event, error, attempt });
      throw error;
    } finally {
      this.changes += 1;
    }
  }
}

function nameOf({ topic, partition, offset }: Position): string {
  return `${topic}/${partition}/${offset}`;
}
