import type { EventAttributes, EventOf, StoredEvent } from '@heddle/event';
import type { Raise } from '@heddle/outbox';

/** Where nobody says which events there are: any type with any data, checked by its schema at run time only. */
export type AnyEvents = Record<string, unknown>;

/** What an event of a type carries, by the generated maps (`SalesOrderEvents & ContractEvents`). */
type Typed<T extends string, D> = Omit<Raise, 'type' | 'data'> & { type: T; data: D };

/** An event to raise whose data fit its type: one of the types of the map, and the data that the map has for it. */
export type RaiseOf<E extends object> = string extends keyof E
  ? Raise
  : { [T in keyof E & string]: Typed<T, E[T]> }[keyof E & string];

/** What a handler of a pattern gets: the events that {@link EventOf} says, and any event where the map has none of them. */
export type EventFor<E extends object, P extends string> = string extends keyof E
  ? StoredEvent
  : [EventOf<E, P>] extends [never]
    ? StoredEvent
    : EventOf<E, P>;

type Appeared<R> = R extends unknown
  ? Omit<R, 'version'> & { version?: number; attributes?: Partial<EventAttributes> }
  : never;

/** An event that comes from elsewhere, as its service would raise it; with attributes of its own where that matters. */
export type Appearing<E extends object> = Appeared<RaiseOf<E>>;
