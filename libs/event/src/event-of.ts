import type { EventAttributes } from './event.js';
import type { StoredEvent } from './stored-event.js';

/** The event types of a map that a pattern stands for: an exact type, a prefix with a trailing `*`, or `*`. */
export type TypesMatching<Events, Pattern extends string> = Pattern extends `${infer Prefix}*`
  ? Extract<keyof Events, `${Prefix}${string}`>
  : Extract<keyof Events, Pattern>;

/** A stored event whose type, and with it the shape of its data, is known. */
export interface TypedEvent<Type extends string, Data> extends Omit<StoredEvent, 'attributes' | 'data'> {
  attributes: EventAttributes & { type: Type };
  data: Data;
}

/**
 * The event of a type, as the generated map of an object (`SalesOrderEvents`) says what its data is. For a pattern, or
 * for no type at all, any of those that match: `EventOf<SalesOrderEvents, 'sap.s4.beh.salesorder.v1.*'>`; `isEventOf`
 * tells them apart.
 */
export type EventOf<Events, Pattern extends string = '*'> = {
  [Type in TypesMatching<Events, Pattern>]: TypedEvent<Type & string, Events[Type]>;
}[TypesMatching<Events, Pattern>];

/** Whether an event is of this type; the compiler then knows its data. */
export function isEventOf<Event extends StoredEvent, Type extends Event['attributes']['type']>(
  event: Event,
  type: Type,
): event is Extract<Event, { attributes: { type: Type } }> {
  return event.attributes.type === type;
}
