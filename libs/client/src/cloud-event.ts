/** An event as a receiver has it: the attributes of CloudEvents 1.0.2, extensions among them, and its data. */
export interface CloudEvent<Data = unknown> {
  specversion: string;
  /** With `source` it tells events apart; a repeat has the same. */
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** RFC 3339, UTC. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  /** Where the object that it speaks of is fetched, with the least version that will do: see `fetchObject`. */
  dataref?: string;
  /** The business key. */
  partitionkey?: string;
  /** Its number among all events of its object, in twelve digits. */
  sequence?: string;
  /** What JSON says; text of a text type; a `Uint8Array` of anything else. */
  data?: Data;
  [extension: string]: unknown;
}

/**
 * An event of one of the types of a map, as `npm run schemas` makes them (`TypedEvent<SalesOrderEvents>`): `type` tells which
 * data it has. The compiler's word alone: what comes was checked by the schema when it was published.
 */
export type TypedEvent<Events extends object> = {
  [Type in keyof Events & string]: CloudEvent<Events[Type]> & { type: Type };
}[keyof Events & string];

/** An object that came with its event, out of a queue of shape `state`: never older than the event says. */
export type AttachedState<O = unknown> = { version: string; object: O } | { version: string; gone: true };

/**
 * Reads an event in CloudEvents JSON format.
 *
 * @throws TypeError that says what it lacks
 */
export function readEvent(value: unknown): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('it is no JSON object');
  const { data_base64: bytes, ...event } = value as Record<string, unknown>;
  if (event['specversion'] !== '1.0') throw new TypeError('its specversion is not 1.0');
  for (const name of ['id', 'source', 'type']) {
    if (typeof event[name] !== 'string' || event[name] === '') throw new TypeError(`it has no ${name}`);
  }
  if (bytes === undefined) return event as unknown as CloudEvent;
  if (typeof bytes !== 'string' || event['data'] !== undefined)
    throw new TypeError('its data_base64 is no base64 text');
  return { ...(event as unknown as CloudEvent), data: bytesOf(bytes) };
}

/**
 * The object that came with an event in a webhook of shape `state`, where it stands in extension attributes; undefined
 * when none came.
 */
export function attachedStateOf<O = unknown>({
  state,
  stateversion,
  stategone,
}: CloudEvent): AttachedState<O> | undefined {
  if (typeof stateversion !== 'string') return undefined;
  if (stategone === true) return { version: stateversion, gone: true };
  return typeof state === 'string' ? { version: stateversion, object: JSON.parse(state) as O } : undefined;
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new TypeError('its data_base64 is no base64 text', { cause });
  }
}
