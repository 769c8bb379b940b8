import { ENVELOPE_MODES, type EnvelopeMode, HeddleError, nearest } from '@heddle/event';
import type { AvroSchema } from './avro-schema.js';
import type { RegisteredSchema } from './schema-registry.js';
import { schemaInvalid, schemaTree } from './schema-tree.js';

/** What the `heddle` property of a record says about its event type. */
export interface EventDescription {
  type: string;
  topic: string;
  /** The business object, as in paths and folders: `sales-order`. The topic's name unless said otherwise. */
  object: string;
  /** The field of the data that holds the business key. */
  key: string;
  /** The service that raises it, and answers for its objects; none for types that come in through the gateway alone. */
  owner?: string;
  /**
   * Who may publish it through the gateway beside its owner: nobody (`owner-only`, what holds when nothing is said), or
   * with `open` every client with the permission, as where objects come to be in systems outside, too. What comes in so
   * has no `sequence`, for only the owner numbers.
   */
  publish?: 'open' | 'owner-only';
  /** Where the owner answers for one object: `/sales-orders/{key}`. */
  fetch?: string;
  /** How its events are written to the log; as all of its topic. Binary unless said otherwise. */
  envelope?: EnvelopeMode;
  summary: string;
  /** Data in its JSON form. */
  example: unknown;
}

/** An event type as the registry knows it. */
export interface EventType extends EventDescription {
  /** The subject in the registry. */
  subject: string;
  schemaId: number;
  version: number;
  schema: AvroSchema;
}

const TYPE = /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+$/;
/** Without a dot: what stands before one in the name of a topic is the tenant. */
const TOPIC = /^[a-z0-9][a-z0-9_-]{0,200}$/;
const SERVICE = /^[a-z][a-z0-9-]{0,62}$/;
const PUBLISH = /^(?:open|owner-only)$/;
const PATH = /^\/[A-Za-z0-9/_.~-]*\{key\}[A-Za-z0-9/_.~-]*$/;
const ENVELOPE = new RegExp(`^(?:${ENVELOPE_MODES.join('|')})$`);

/** Whether a schema describes an event type at all. */
function isEventSchema(schema: AvroSchema): boolean {
  return typeof schema === 'object' && !Array.isArray(schema) && 'heddle' in schema;
}

/**
 * Reads the `heddle` property of a record.
 *
 * @throws HeddleError `schema-invalid` for a property that is missing or wrong; the example is not checked here.
 */
export function eventDescriptionOf(schema: AvroSchema): EventDescription {
  const tree = schemaTree(schema);
  const given = isEventSchema(schema) ? (schema as Record<string, unknown>)['heddle'] : undefined;
  if (tree.kind !== 'record' || typeof given !== 'object' || given === null) {
    throw schemaInvalid('heddle', 'must be a record with an object as its heddle property');
  }
  const properties = given as Record<string, unknown>;
  const text = (name: string, pattern: RegExp): string => {
    const value = properties[name];
    if (typeof value !== 'string' || !pattern.test(value))
      throw schemaInvalid(`heddle.${name}`, `must be a string like ${pattern.source}`);
    return value;
  };
  const optional = (name: string, pattern: RegExp) =>
    properties[name] === undefined ? {} : { [name]: text(name, pattern) };
  const key = text('key', /^\w+$/);
  const field = tree.fields.find((one) => one.name === key);
  if (field?.type.kind !== 'string') throw schemaInvalid('heddle.key', 'must name a field that is a string');
  if (properties['fetch'] !== undefined && properties['owner'] === undefined) {
    throw schemaInvalid('heddle.fetch', 'needs an owner that answers there');
  }
  if (properties['publish'] !== undefined && properties['owner'] === undefined) {
    throw schemaInvalid('heddle.publish', 'says something beside an owner only: without one, anybody may publish it');
  }
  const topic = text('topic', TOPIC);
  return {
    type: text('type', TYPE),
    topic,
    object: properties['object'] === undefined ? topic : text('object', SERVICE),
    key,
    ...optional('owner', SERVICE),
    ...optional('publish', PUBLISH),
    ...optional('fetch', PATH),
    summary: text('summary', /\S/),
    ...optional('envelope', ENVELOPE),
    example: properties['example'],
  };
}

/** Whether clients may publish a type, as far as the type is concerned. */
export function isOpenToPublish({ owner, publish }: Pick<EventDescription, 'owner' | 'publish'>): boolean {
  return owner === undefined || publish === 'open';
}

/** The event type of a registered schema; undefined for a schema that describes none. @throws HeddleError `schema-invalid`. */
export function eventTypeOf(subject: string, registered: RegisteredSchema): EventType | undefined {
  if (!isEventSchema(registered.schema)) return undefined;
  const { id, version, schema } = registered;
  return { ...eventDescriptionOf(schema), subject, schemaId: id, version, schema };
}

/** `type-unknown`, naming the known type that is nearest, if one is near. */
export function typeUnknown(type: string, known: Iterable<string>): HeddleError {
  const near = nearest(type, known);
  const hint = near === undefined ? '' : ` The nearest known type is ${near}.`;
  return new HeddleError('type-unknown', `No schema is registered for the event type ${type.slice(0, 256)}.${hint}`, {
    field: 'attributes.type',
  });
}
