import { type ConsumeOptions, type StoredEvent, type TypeMatcher, typeMatcher } from '@heddle/event';

/** What the log gives a handler: the event, and what it says of the attempt. */
export type HandlerArguments = Parameters<NonNullable<ConsumeOptions['handle']>>;

type Rest<T extends unknown[]> = T extends [unknown, ...infer R] ? R : never;

/** What the log gives a handler beside the event. */
export type HandlerContext = Rest<HandlerArguments>;

/** Resolving acknowledges the event; what is thrown decides whether it is tried again or becomes a dead letter. */
export type Handler<Event> = (event: Event, ...context: HandlerContext) => Promise<void> | void;

/** Handlers by the pattern of types that each is for. */
export class Handlers {
  readonly #routes: { isWanted: TypeMatcher; handler: Handler<StoredEvent> }[] = [];

  constructor(private readonly onUnhandled: (event: StoredEvent) => void) {}

  get isEmpty(): boolean {
    return this.#routes.length === 0;
  }

  /** @throws HeddleError `parameter-invalid` for what is no pattern of types */
  add(pattern: string, handler: Handler<StoredEvent>): void {
    this.#routes.push({ isWanted: typeMatcher([pattern]), handler });
  }

  /** One after another, in the order they were added, so that a handler sees what an earlier one did. */
  readonly handle = async (...[event, ...context]: HandlerArguments): Promise<void> => {
    const wanted = this.#routes.filter(({ isWanted }) => isWanted(event.attributes.type));
    if (wanted.length === 0) this.onUnhandled(event);
    for (const { handler } of wanted) await handler(event, ...(context as HandlerContext));
  };
}
