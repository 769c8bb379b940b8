import type { z } from 'zod';

/** What of zod's definitions is followed here. */
interface Definition {
  /** Of an object. */
  shape?: Readonly<Record<string, unknown>>;
  /** Of a list. */
  element?: unknown;
  /** Of a record. */
  valueType?: unknown;
  /** Of what may be left out, or has a default. */
  innerType?: unknown;
  /** Of what is turned into something else. */
  in?: unknown;
  out?: unknown;
  /** Of alternatives. */
  options?: readonly unknown[];
  /** Of what refers to itself. */
  getter?: () => unknown;
}

/** The fields of the object at a path of a shape, of all alternatives where there are some; none where there is no object. */
export function fieldsAt(shape: z.ZodType, path: readonly PropertyKey[]): string[] {
  let places = definitionsOf(shape);
  for (const step of path) places = places.flatMap((place) => definitionsOf(inside(place, step)));
  return [...new Set(places.flatMap((place) => Object.keys(place.shape ?? {})))];
}

function inside({ shape = {}, element, valueType }: Definition, step: PropertyKey): unknown {
  if (typeof step === 'number') return element;
  return Object.hasOwn(shape, step) ? shape[String(step)] : valueType;
}

function definitionsOf(shape: unknown): Definition[] {
  const definition = (shape as { _zod?: { def: Definition } } | undefined)?._zod?.def;
  if (definition === undefined) return [];
  const { innerType, in: before, out: after, options, getter } = definition;
  const around = [innerType, before, after, ...(options ?? []), getter?.()].filter((one) => one !== undefined);
  return around.length === 0 ? [definition] : around.flatMap(definitionsOf);
}
