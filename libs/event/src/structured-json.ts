import { type EventAttributes, attributeProblem } from './event.js';
import { HeddleError } from './errors.js';

/** The data of an event as its envelope holds it: bytes of whatever `datacontenttype` says, or a JSON value. */
export type StructuredData = { bytes: Uint8Array } | { json: unknown };

/** An event that travels as a whole (structured mode); `specversion` is always 1.0 and not kept. */
export interface StructuredEvent {
  attributes: EventAttributes;
  data: StructuredData;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_INTEGER = 2 ** 31;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An event in the CloudEvents JSON format 1.0.2. The attributes are to be those of {@link checkAttributes}. */
export function formatJsonEvent({ attributes, data }: StructuredEvent): string {
  const event = { specversion: '1.0', ...attributes };
  if ('json' in data) return JSON.stringify({ ...event, data: data.json });
  return JSON.stringify({ ...event, data_base64: Buffer.from(data.bytes).toString('base64') });
}

/**
 * Reads an event in the CloudEvents JSON format 1.0.2. One without data has null as its data.
 *
 * @throws HeddleError `attribute-invalid`; `body-invalid` for bytes that are no such event at all.
 */
export function parseJsonEvent(bytes: Uint8Array): StructuredEvent {
  const event = objectOf(bytes);
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(event)) {
    // An attribute that is null counts as absent (§2.2).
    if (name === 'data' || name === 'data_base64' || value === null) continue;
    texts[nameOf(name)] = textOf(name, value);
  }
  const attributes = checkedAttributes(texts);
  if (event['data_base64'] === undefined) return { attributes, data: { json: event['data'] ?? null } };
  const base64 = event['data_base64'];
  if (event['data'] !== undefined || typeof base64 !== 'string' || !BASE64.test(base64)) {
    throw new HeddleError('body-invalid', 'The event has data twice, or data_base64 that is no base64.');
  }
  return { attributes, data: { bytes: Buffer.from(base64, 'base64') } };
}

/**
 * The attributes that an envelope holds, without its `specversion`.
 *
 * @throws HeddleError `attribute-invalid`
 */
export function checkedAttributes({ specversion, ...attributes }: Record<string, string>): EventAttributes {
  const problem =
    specversion === '1.0' ? attributeProblem(attributes) : { attribute: 'specversion', rule: 'must be 1.0' };
  if (problem !== undefined) throw invalid(problem.attribute, problem.rule);
  return attributes as EventAttributes;
}

/** As the name of a property it must not be one that every object has. @throws HeddleError `attribute-invalid` */
export function nameOf(attribute: string): string {
  if (!/^[a-z0-9]+$/.test(attribute)) throw invalid(attribute, 'must be named with a-z and 0-9 only');
  return attribute;
}

function objectOf(bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new HeddleError('body-invalid', 'The event is not JSON.', { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new HeddleError('body-invalid', 'The event is not a JSON object.');
  }
  return json as Record<string, unknown>;
}

/** Booleans and 32-bit integers are the other types that the format has; each has one text (§3, "Type System"). */
function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (Number.isInteger(value) && Math.abs(value as number) <= MAX_INTEGER) return String(value);
  throw invalid(name, 'must be a string, a boolean or a 32-bit integer');
}

function invalid(attribute: string, rule: string): HeddleError {
  const name = attribute.slice(0, 64);
  return new HeddleError('attribute-invalid', `The attribute ${name} ${rule}.`, { field: `attributes.${name}` });
}
