import type { EventAttributes, StoredEvent } from '@heddle/event';
import type { Raise } from '@heddle/outbox';

/** Where nobody says which events there are: any type with any data, checked by its schema at run time only. */
export type AnyEvents = Record<string, unknown>;

/** What an event of a type carries, by the generated maps (`SalesOrderEvents & ContractEvents`). */
type Typed<T extends string, D> = Omit<Raise, 'type' | 'data'> & { type: T; data: D };

/** An event to raise whose data fit its type: one of the types of the map, and the data that the map has for it. */
export type RaiseOf<E extends object> = string extends keyof E
  ? Raise
  : { [T in keyof E & string]: Typed<T, E[T]> }[keyof E & string];

/** The types that a pattern stands for: an exact one, a prefix with a trailing `*`, or `*` for all. */
type Matching<E extends object, P extends string> = P extends `${infer Stem}*`
  ? Extract<keyof E & string, `${Stem}${string}`>
  : Extract<keyof E & string, P>;

interface TypedEvent<T extends string, D> extends StoredEvent {
  attributes: EventAttributes & { type: T };
  data: D;
}

/** The event that a handler of a pattern gets: with the data of its type, or of any of the types of a wildcard. */
export type EventFor<E extends object, P extends string> = string extends keyof E
  ? StoredEvent
  : [Matching<E, P>] extends [never]
    ? StoredEvent
    : { [T in Matching<E, P>]: TypedEvent<T, E[T]> }[Matching<E, P>];

type Appeared<R> = R extends unknown
  ? Omit<R, 'version'> & { version?: number; attributes?: Partial<EventAttributes> }
  : never;

/** An event that comes from elsewhere, as its service would raise it; with attributes of its own where that matters. */
export type Appearing<E extends object> = Appeared<RaiseOf<E>>;
