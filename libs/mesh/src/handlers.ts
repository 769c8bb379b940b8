import { type HandlingContext, type StoredEvent, type TypeMatcher, typeMatcher } from '@heddle/event';

/** Resolving acknowledges the event; what is thrown decides whether it is tried again or becomes a dead letter. */
export type Handler<Event> = (event: Event, context: HandlingContext) => Promise<void> | void;

/** Handlers by the pattern of types that each is for. */
export class Handlers {
  readonly #routes: { isWanted: TypeMatcher; handler: Handler<StoredEvent> }[] = [];

  get isEmpty(): boolean {
    return this.#routes.length === 0;
  }

  /** @throws HeddleError `parameter-invalid` for what is no pattern of types */
  add(pattern: string, handler: Handler<StoredEvent>): void {
    this.#routes.push({ isWanted: typeMatcher([pattern]), handler });
  }

  readonly wants = ({ attributes }: StoredEvent): boolean =>
    this.#routes.some(({ isWanted }) => isWanted(attributes.type));

  /** One after another, in the order they were added, so that a handler sees what an earlier one did. */
  readonly handle = async (event: StoredEvent, context: HandlingContext): Promise<void> => {
    for (const { isWanted, handler } of this.#routes) {
      if (isWanted(event.attributes.type)) await handler(event, context);
    }
  };
}
