import { HeddleError } from './errors.js';

/**
 * CloudEvents attributes by name, each in its canonical string form (CloudEvents 1.0.2, "Type System"); extensions
 * stand beside the named ones. `specversion` is always 1.0 and not kept.
 */
export interface EventAttributes {
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** RFC 3339, UTC, milliseconds when Heddle set it. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  [extension: string]: string | undefined;
}

/** An event as it travels: attributes, and the data bytes in the form `datacontenttype` says. */
export interface Event {
  attributes: EventAttributes;
  value: Uint8Array;
}

/** How the data of events is on the log: Avro in Confluent wire format. */
export const AVRO_CONTENT_TYPE = 'application/avro';
/** How data leaves a door, unless Avro was asked for. */
export const JSON_CONTENT_TYPE = 'application/json';
/** An event as a whole, in the CloudEvents JSON format. */
export const CLOUDEVENTS_JSON_CONTENT_TYPE = 'application/cloudevents+json';
/** Several of them as one array. */
export const CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE = 'application/cloudevents-batch+json';
/** An event as a whole, in the CloudEvents Avro format. */
export const CLOUDEVENTS_AVRO_CONTENT_TYPE = 'application/cloudevents+avro';

/**
 * How an event is a record of the log: `binary`, attributes as headers and the data alone as value, or as a whole in the
 * CloudEvents JSON or Avro format (structured mode).
 */
export const ENVELOPE_MODES = ['binary', 'json', 'avro'] as const;
/** One of {@link ENVELOPE_MODES}. */
export type EnvelopeMode = (typeof ENVELOPE_MODES)[number];

/** Bytes of one attribute value, count of extensions, bytes of all attributes together. */
export const ATTRIBUTE_LIMITS = { valueBytes: 4096, extensions: 64, totalBytes: 16_384 } as const;

/**
 * The extension in which AMQP keeps the properties that an application has given its message: part of what it says, it is as
 * long as a message may be, and does not count among the others.
 */
export const APPLICATION_PROPERTIES = 'amqpproperties';
const MAX_APPLICATION_PROPERTIES_BYTES = 1_000_000;

/** Bytes of an event's application properties that are more than any attribute may have: they count as its data. */
export function longAttributeBytes({ [APPLICATION_PROPERTIES]: text }: Readonly<Record<string, unknown>>): number {
  if (typeof text !== 'string' || text.length * 3 <= ATTRIBUTE_LIMITS.valueBytes) return 0;
  const bytes = Buffer.byteLength(text);
  return bytes > ATTRIBUTE_LIMITS.valueBytes ? bytes : 0;
}

const CONTEXT_ATTRIBUTES = new Set(['id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema']);
const ATTRIBUTE_NAME = /^[a-z0-9]{1,64}$/;
/** The characters CloudEvents strings must not have: controls, lone surrogates, Unicode noncharacters. */
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]|[\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{3fffe}\u{3ffff}\u{4fffe}\u{4ffff}\u{5fffe}\u{5ffff}\u{6fffe}\u{6ffff}\u{7fffe}\u{7ffff}\u{8fffe}\u{8ffff}\u{9fffe}\u{9ffff}\u{afffe}\u{affff}\u{bfffe}\u{bffff}\u{cfffe}\u{cffff}\u{dfffe}\u{dffff}\u{efffe}\u{effff}\u{ffffe}\u{fffff}\u{10fffe}\u{10ffff}]/u;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const URI_REFERENCE = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+*-]+(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(?:[^\s;"]+|"[^"]*"))*$/;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d|60)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** One broken rule: the attribute's name, and what it must be. */
export interface AttributeProblem {
  attribute: string;
  rule: string;
}

/**
 * The first broken rule of CloudEvents 1.0.2 (and of {@link ATTRIBUTE_LIMITS}) in the attributes, or nothing.
 *
 * @param longBytes that {@link APPLICATION_PROPERTIES} may have
 */
export function attributeProblem(
  attributes: Readonly<Record<string, unknown>>,
  longBytes: number = MAX_APPLICATION_PROPERTIES_BYTES,
): AttributeProblem | undefined {
  for (const required of ['id', 'source', 'type']) {
    if (attributes[required] === undefined) return { attribute: required, rule: 'is required' };
  }
  let extensions = 0;
  let total = 0;
  for (const name in attributes) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (!CONTEXT_ATTRIBUTES.has(name)) {
      extensions += 1;
      if (extensions > ATTRIBUTE_LIMITS.extensions) {
        return {
          attribute: name,
          rule: `is extension ${extensions}; at most ${ATTRIBUTE_LIMITS.extensions} are allowed`,
        };
      }
      if (!ATTRIBUTE_NAME.test(name)) return { attribute: name, rule: 'must be named with a-z and 0-9 only' };
      if (name === 'data' || name === 'specversion') return { attribute: name, rule: 'is a reserved name' };
    }
    if (typeof value !== 'string') return { attribute: name, rule: 'must be a string' };
    // A string has at most three bytes of UTF-8 for each UTF-16 unit: short ones need no counting.
    const bytes = value.length * 3 <= 192 ? value.length : Buffer.byteLength(value);
    const isLong = name === APPLICATION_PROPERTIES && bytes > ATTRIBUTE_LIMITS.valueBytes;
    const most = isLong ? longBytes : ATTRIBUTE_LIMITS.valueBytes;
    if (bytes > most) return { attribute: name, rule: `must be at most ${most} bytes` };
    total += name.length + (isLong ? 0 : bytes);
    if (total > ATTRIBUTE_LIMITS.totalBytes) {
      return { attribute: name, rule: `brings all attributes past ${ATTRIBUTE_LIMITS.totalBytes} bytes` };
    }
    const rule = valueRule(name, value);
    if (rule !== undefined) return { attribute: name, rule };
  }
  return undefined;
}

function valueRule(name: string, value: string): string | undefined {
  if (!PRINTABLE_ASCII.test(value) && FORBIDDEN.test(value)) return 'must not have control or surrogate characters';
  switch (name) {
    case 'id':
    case 'type':
    case 'subject':
      return value === '' ? 'must not be empty' : undefined;
    case 'source':
      return URI_REFERENCE.test(value) ? undefined : 'must be a non-empty URI reference (RFC 3986)';
    case 'dataschema':
      return URI.test(value) && URI_REFERENCE.test(value) ? undefined : 'must be an absolute URI (RFC 3986)';
    case 'dataref':
      return URI_REFERENCE.test(value) ? undefined : 'must be a non-empty URI reference (RFC 3986)';
    case 'datacontenttype':
      return MEDIA_TYPE.test(value) ? undefined : 'must be a media type (RFC 2046)';
    case 'time':
      return isTimestamp(value) ? undefined : 'must be a timestamp (RFC 3339), as 2026-01-31T12:00:00.000Z';
    default:
      return undefined;
  }
}

function isTimestamp(value: string): boolean {
  if (!RFC3339.test(value)) return false;
  const digits = (at: number): number => (value.charCodeAt(at) - 48) * 10 + value.charCodeAt(at + 1) - 48;
  const [month, day, hour, minute] = [digits(5), digits(8), digits(11), digits(14)];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59) return false;
  // Days past the 28th are the only ones that take a calendar.
  return day <= 28 || day <= new Date(Date.UTC(digits(0) * 100 + digits(2), month, 0)).getUTCDate();
}

/**
 * Checks attributes as {@link attributeProblem} does, none of them being a long one.
 *
 * @throws HeddleError `attribute-invalid` with `attributes.<name>` as its field.
 */
export function checkAttributes(attributes: Readonly<Record<string, unknown>>): asserts attributes is EventAttributes {
  const problem = attributeProblem(attributes, ATTRIBUTE_LIMITS.valueBytes);
  if (problem !== undefined) {
    throw new HeddleError('attribute-invalid', `The attribute ${problem.attribute.slice(0, 64)} ${problem.rule}.`, {
      field: `attributes.${problem.attribute.slice(0, 64)}`,
    });
  }
}
