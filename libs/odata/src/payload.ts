import { HeddleError } from '@heddle/event';
import { type JsonLimits, parseJson } from '@heddle/runtime';
import { readElement, readEntry, writtenOf } from './atom-entry.js';
import type { Payload } from './changes.js';
import { storedText } from './columns.js';
import { dateTimeOf, dateTimeOffsetOf, decimalOf, timeOf } from './literal.js';
import { durationOf, isoOf } from './edm.js';
import type { Format } from './error-answer.js';
import { type EntityModel, type PropertyModel, type ServiceModel, own } from './model.js';
import { invalid, quoted } from './refusal.js';

/** A new entity, some of its properties, or all that may be changed: what is left out is then as in a new one. */
export type PayloadKind = 'create' | 'change' | 'replace';

const MAX_DEPTH = 4;

/** @throws HeddleError `body-invalid`, `data-invalid` naming each field that is wrong by its place */
export function readPayload<S>(
  service: ServiceModel<S>,
  entity: EntityModel<S>,
  body: Buffer | undefined,
  { kind, format, json }: { kind: PayloadKind; format: Format; json: JsonLimits },
): Payload {
  const bytes = body ?? Buffer.alloc(0);
  const value = format === 'atom' ? readEntry(service, entity, bytes) : unwrapped(parseJson(bytes, json));
  return payloadOf(service, entity, value, { kind, at: '', depth: 0 });
}

/** What a single property is written in: as what entities are, or as the value alone. */
export type PropertyFormat = Format | 'value';

/**
 * A change of one property, by its own URL.
 *
 * @throws HeddleError `body-invalid`, `data-invalid` naming the property
 */
export function readProperty<S>(
  entity: EntityModel<S>,
  name: string,
  body: Buffer | undefined,
  { format, json }: { format: PropertyFormat; json: JsonLimits },
): Payload {
  const property = entity.properties[name]!;
  if (property.written !== 'always' || entity.keys.includes(name)) {
    throw invalid(name, property.written === undefined ? 'is set by the service alone' : 'cannot be changed');
  }
  const bytes = body ?? Buffer.alloc(0);
  return { [name]: stateOf(property, givenIn(), name) };

  function givenIn(): unknown {
    if (format === 'value') return writtenOf(property, textOf(bytes));
    if (format === 'atom') return readElement(entity, name, bytes);
    const value = unwrapped(parseJson(bytes, json));
    if (isRecord(value) && Object.keys(value).length === 1 && Object.hasOwn(value, name)) return value[name];
    throw invalid('body', `must be an object of ${name} alone`);
  }
}

/** No value, where the property may have none. */
export function withoutValue<S>(entity: EntityModel<S>, name: string): Payload {
  const property = entity.properties[name]!;
  if (property.written !== 'always') throw invalid(name, 'cannot be changed');
  return { [name]: stateOf(property, null, name) };
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeddleError('body-invalid', 'The body is not valid UTF-8.', { cause });
  }
}

/** Entities stand in `d`, or plainly. */
function unwrapped(parsed: unknown): unknown {
  const isWrapped = isRecord(parsed) && Object.keys(parsed).length === 1 && isRecord(parsed['d']);
  return isWrapped ? parsed['d'] : parsed;
}

interface Place {
  kind: PayloadKind;
  at: string;
  depth: number;
  /** Keys that what it comes along with has already. */
  implied?: readonly string[];
}

function payloadOf<S>(service: ServiceModel<S>, entity: EntityModel<S>, value: unknown, place: Place): Payload {
  const { kind, at, depth, implied = [] } = place;
  if (!isRecord(value)) throw invalid(at === '' ? 'body' : at.slice(0, -1), 'must be an object');
  const payload: Record<string, unknown> = kind === 'replace' ? initial(entity) : {};
  for (const [name, given] of Object.entries(value)) {
    if (name === '__metadata') continue;
    const field = `${at}${name}`;
    const property = own(entity.properties, name);
    if (property !== undefined) {
      // What addresses an entity is said by the path; clients repeat it.
      if (implied.includes(name) || (kind !== 'create' && entity.keys.includes(name))) continue;
      if (property.written === undefined && !(kind === 'create' && entity.keys.includes(name))) {
        throw invalid(field, 'is set by the service alone');
      }
      if (property.written === 'once' && kind !== 'create') throw invalid(field, 'cannot be changed');
      payload[name] = stateOf(property, given, field);
      continue;
    }
    const navigation = own(entity.navigations, name);
    if (navigation === undefined) throw invalid(field, `is no property of ${entity.name}`);
    if (isRecord(given) && Object.hasOwn(given, '__deferred')) continue;
    if (navigation.isDeep !== true || kind !== 'create')
      throw invalid(field, 'is changed by itself, not along with this');
    if (depth >= MAX_DEPTH) throw invalid(field, 'is nested too deep');
    const target = service.entities[navigation.to]!;
    const impliedBelow = [...(navigation.on ?? []), ...(target.objectKey === undefined ? [] : [target.objectKey])];
    const below = (one: unknown, inner: string): Payload =>
      payloadOf(service, target, one, { kind, at: inner, depth: depth + 1, implied: impliedBelow });
    payload[name] = navigation.many
      ? manyOf(given, field).map((one, index) => below(one, `${field}.${index}.`))
      : given === null
        ? null
        : below(given, `${field}.`);
  }
  return payload;
}

function manyOf(given: unknown, field: string): readonly unknown[] {
  const list: unknown = isRecord(given) ? given['results'] : given;
  if (!Array.isArray(list)) throw invalid(field, 'must be a list');
  return list as unknown[];
}

/** What may be changed, as it is when nothing was said about it. */
function initial<S>({ properties, keys }: EntityModel<S>): Record<string, unknown> {
  const open = Object.entries(properties).filter(([name, { written }]) => written === 'always' && !keys.includes(name));
  return Object.fromEntries(open.map(([name, property]) => [name, initialOf(property)]));
}

function initialOf({ type, nullable }: PropertyModel): unknown {
  if (nullable === true) return null;
  if (type === 'Edm.Boolean') return false;
  if (type === 'Edm.Int32' || type === 'Edm.Double') return 0;
  return type === 'Edm.Decimal' || type === 'Edm.Int64' ? '0' : '';
}

function stateOf(property: PropertyModel, given: unknown, field: string): unknown {
  const { type, nullable } = property;
  if (given === null) {
    if (nullable === true || type === 'Edm.String') return nullable === true ? null : '';
    throw invalid(field, 'must not be null');
  }
  switch (type) {
    case 'Edm.String':
      return storedText(property, textIn(given, field));
    case 'Edm.Boolean':
      if (typeof given !== 'boolean') throw invalid(field, 'must be true or false');
      return given;
    case 'Edm.Guid':
      return textIn(given, field);
    case 'Edm.Int32':
    case 'Edm.Double':
      return Number(numberIn(given, field));
    case 'Edm.DateTime':
      return dayIn(textIn(given, field), field);
    case 'Edm.DateTimeOffset': {
      const written = isoOf(instantIn(textIn(given, field), field));
      return property.isDay === true ? written.slice(0, 10) : `${written}Z`;
    }
    case 'Edm.Time': {
      const time = timeOf(textIn(given, field));
      if (time === undefined) throw invalid(field, 'must be a time, as PT10H30M00S');
      return durationOf(time);
    }
    default:
      return numberIn(given, field);
  }
}

function textIn(given: unknown, field: string): string {
  if (typeof given !== 'string') throw invalid(field, 'must be text');
  if (given.includes('\0')) throw invalid(field, 'must not have a character of code 0');
  return given;
}

const JSON_DATE = /^\/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\/$/;

function dayIn(given: string, field: string): string {
  const [, ms] = JSON_DATE.exec(given) ?? [];
  const time = ms === undefined ? dateTimeOf(given.replace(/^\d{4}-\d\d-\d\d$/, '$&T00:00')) : Number(ms);
  if (time === undefined || !isDate(time))
    throw invalid(field, 'must be a day, as /Date(1795219200000)/ or 2026-11-21T00:00:00');
  return isoOf(time).slice(0, 10);
}

function instantIn(given: string, field: string): number {
  const [, ms] = JSON_DATE.exec(given) ?? [];
  const time = ms === undefined ? dateTimeOffsetOf(given) : Number(ms);
  if (time === undefined || !isDate(time)) throw invalid(field, 'must be an instant, as /Date(1795219200000+0000)/');
  return time;
}

/** From the year 1 to the year 9999. */
function isDate(time: number): boolean {
  return time >= -62_135_596_800_000 && time < 253_402_300_800_000;
}

function numberIn(given: unknown, field: string): string {
  const text = typeof given === 'number' ? String(given) : given;
  if (typeof text !== 'string' || !/^-?\d{1,40}(?:\.\d{1,40})?$/.test(text)) {
    throw invalid(field, `must be a decimal, and ${quoted(String(text))} is none`);
  }
  return decimalOf(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
