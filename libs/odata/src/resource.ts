import { HeddleError } from '@heddle/event';
import type { Keys } from './changes.js';
import { storedText } from './columns.js';
import { type EdmValue, kindOf } from './edm.js';
import { scanLiteral } from './literal.js';
import { type EntityModel, type NavigationModel, type ServiceModel, own } from './model.js';
import { quoted, refusal, tooComplex } from './refusal.js';

/** One step of a path: a set, or a way from the entity before; with the key of one of it, where it has one. */
export interface Step<S> {
  entity: EntityModel<S>;
  navigation?: { name: string; model: NavigationModel };
  keys?: Keys;
}

/** What the path of a URL addresses. */
export type Resource<S> =
  | { kind: 'root' | 'metadata' | 'batch' }
  | { kind: 'function'; name: string }
  | {
      /** `links`: the addresses of the entities in place of themselves. */
      kind: 'entity' | 'set' | 'count' | 'links' | 'property' | 'value';
      steps: readonly [Step<S>, ...Step<S>[]];
      property?: string;
    };

/** Steps of a path at most. */
const MAX_STEPS = 6;
const SEGMENT = /^([A-Za-z_]\w{0,127})(?:\((.*)\))?$/s;

/** @throws HeddleError `not-found` for what there is not, `parameter-invalid` for a key that is none */
export function parseResource<S>(service: ServiceModel<S>, path: string): Resource<S> {
  const segments = path.split('/').slice(1).map(decoded);
  // A path may end with a slash.
  if (segments.at(-1) === '') segments.pop();
  const [first, ...rest] = segments;
  if (first === undefined) return { kind: 'root' };
  const special = own(SPECIAL, first);
  if (special !== undefined && rest.length === 0) return { kind: special };
  const { name, key } = segmentOf(first);
  if (rest.length === 0 && key === undefined && own(service.functions, name) !== undefined) {
    return { kind: 'function', name };
  }
  const entity = own(service.entities, name);
  if (entity === undefined) throw nothing(`${quoted(name)} is no entity set of ${service.name}`);
  return walk(service, [stepOf({ entity }, key)], rest);
}

const SPECIAL = { $metadata: 'metadata', $batch: 'batch' } as const;

function walk<S>(service: ServiceModel<S>, steps: [Step<S>, ...Step<S>[]], segments: string[]): Resource<S> {
  for (const [index, segment] of segments.entries()) {
    const at = steps.at(-1)!;
    const rest = segments.slice(index + 1);
    const isOne = at.keys !== undefined || at.navigation?.model.many === false;
    if (segment === '$count' && rest.length === 0) return { kind: 'count', steps };
    if (!isOne) throw nothing(`${quoted(segment)} is of one ${at.entity.name}, whose key is missing`);
    if (segment === '$links' && (rest.length === 1 || (rest.length === 2 && rest[1] === '$count'))) {
      const kind = rest.length === 1 ? 'links' : 'count';
      return { kind, steps: [...steps, navigated(service, at, rest[0]!)] };
    }
    const property = own(at.entity.properties, segment);
    if (property !== undefined && rest.length === 0) return { kind: 'property', steps, property: segment };
    if (property !== undefined && rest.length === 1 && rest[0] === '$value') {
      return { kind: 'value', steps, property: segment };
    }
    if (steps.length === MAX_STEPS) throw tooComplex('path', `may have ${MAX_STEPS} steps at most`);
    steps.push(navigated(service, at, segment));
  }
  const last = steps.at(-1)!;
  return { kind: last.keys !== undefined || last.navigation?.model.many === false ? 'entity' : 'set', steps };
}

function navigated<S>(service: ServiceModel<S>, { entity }: Step<S>, segment: string): Step<S> {
  const { name, key } = segmentOf(segment);
  const model = own(entity.navigations, name);
  if (model === undefined) throw nothing(`${entity.name} has neither a property nor a navigation ${quoted(name)}`);
  return stepOf({ entity: service.entities[model.to]!, navigation: { name, model } }, key);
}

function segmentOf(segment: string): { name: string; key: string | undefined } {
  const [, name, key] = SEGMENT.exec(segment) ?? [];
  if (name === undefined) throw nothing(`${quoted(segment)} is no part of a path`);
  return { name, key };
}

function stepOf<S>(step: Step<S>, key: string | undefined): Step<S> {
  // Some clients write brackets behind every set.
  if (key === undefined || key.trim() === '') return step;
  return { ...step, keys: keysOf(step.entity, key) };
}

const NAMED = /\s*([A-Za-z_]\w*)\s*=\s*/y;
const COMMA = /\s*,/y;

/** Keys by name, or the one there is without. @throws HeddleError `parameter-invalid` */
function keysOf<S>({ name, keys, properties }: EntityModel<S>, text: string): Keys {
  const found: Record<string, EdmValue> = {};
  let at = 0;
  for (;;) {
    NAMED.lastIndex = at;
    const [whole = '', named] = NAMED.exec(text) ?? [];
    at += whole.length;
    const key = named ?? (keys.length === 1 && at === 0 ? keys[0]! : undefined);
    const property = key === undefined || !keys.includes(key) ? undefined : properties[key];
    if (key === undefined || property === undefined || Object.hasOwn(found, key)) {
      throw refusal('path', `${name} is addressed by ${keys.map((one) => `${one}=…`).join(',')}`);
    }
    const scanned = scanLiteral(text, at, key);
    if (
      scanned === undefined ||
      scanned.literal.type === 'null' ||
      kindOf(scanned.literal.type) !== kindOf(property.type)
    ) {
      throw refusal(key, `is ${property.type}, and ${quoted(text.slice(at))} is no literal of it`);
    }
    const { value } = scanned.literal;
    found[key] = typeof value === 'string' ? storedText(property, value) : value;
    COMMA.lastIndex = scanned.end;
    if (!COMMA.test(text)) {
      if (text.slice(scanned.end).trim() === '') break;
      throw refusal('path', `${quoted(text.slice(scanned.end))} is behind the keys of ${name}`);
    }
    at = COMMA.lastIndex;
  }
  const missing = keys.find((key) => !Object.hasOwn(found, key));
  if (missing !== undefined) throw refusal('path', `the key ${missing} of ${name} is missing`);
  return found;
}

/** @throws HeddleError `parameter-invalid` for escapes that are none */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal('path', `${quoted(text)} has a percent sign that begins no escape`);
  }
}

function nothing(what: string): HeddleError {
  return new HeddleError('not-found', `${what}.`);
}
