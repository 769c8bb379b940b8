import type { FilterExpression } from '../filters/filter.js';

/** Which events leave a channel: those of a type, exact or with a trailing `*`, that all filters let through. */
export interface Binding {
  type: string;
  /** Of an exact type only. */
  filters?: BindingFilter[] | undefined;
}

/** What one attribute, or one field of the data, may be: one of `include`, and none of `exclude`. */
export interface BindingFilter {
  attribute?: string | undefined;
  /** The path of a field: `SalesOrganization`, `Document.mediaType`. */
  data?: string | undefined;
  include?: Alternative[] | undefined;
  exclude?: Alternative[] | undefined;
}

/** A value, or all from `low` to `high`. Texts are compared as texts, numbers as numbers. */
export type Alternative = string | number | { low: string | number; high: string | number };

/** Types that stand in one expression at most, so that it stays short enough for the limits of expressions. */
const TYPES_OF_ONE = 25;

/**
 * Bindings as what a queue wants: their types, and for those with filters a condition that says nothing about any other
 * type. Types with the same filters share one, for each distinct condition is evaluated for every event.
 *
 * What is not there, or null, is in nothing: it is not included, and not excluded. What is compared with a number and is
 * none cannot be decided, and does not leave.
 */
export function compileBindings(bindings: readonly Binding[]): { types: string[]; filter: FilterExpression[] } {
  const groups = Map.groupBy(bindings, ({ filters = [] }) => JSON.stringify(filters));
  const filter: FilterExpression[] = [];
  for (const group of groups.values()) {
    const { filters = [] } = group[0]!;
    if (filters.length === 0) continue;
    const condition = joined(filters.map(conditionOf), '&&');
    for (let at = 0; at < group.length; at += TYPES_OF_ONE) {
      const types = group.slice(at, at + TYPES_OF_ONE).map(({ type }) => text(type));
      filter.push({ cel: `!(type in [${types.join(', ')}]) || ${condition}` });
    }
  }
  return { types: bindings.map(({ type }) => type), filter };
}

function conditionOf({ attribute, data, include, exclude }: BindingFilter): string {
  const steps = attribute === undefined ? ['data', ...(data ?? '').split('.')] : ['attributes', attribute];
  const paths = steps.slice(1).map((_, index) => steps.slice(0, index + 2).join('.'));
  // An attribute is a text wherever it is.
  const there = paths.flatMap((path) => [`has(${path})`, ...(attribute === undefined ? [`${path} != null`] : [])]);
  const isIn = (alternatives: readonly Alternative[]): string =>
    joined([...there, anyOf(alternatives, steps.join('.'))], '&&');
  return joined(
    [...(include === undefined ? [] : [isIn(include)]), ...(exclude === undefined ? [] : [`!${isIn(exclude)}`])],
    '&&',
  );
}

function anyOf(alternatives: readonly Alternative[], value: string): string {
  const texts = alternatives.filter((one) => typeof one === 'string').map(text);
  const numbers = alternatives.filter((one) => typeof one === 'number').map(number);
  const ranges = alternatives.filter((one) => typeof one === 'object').map((range) => within(range, value));
  return joined(
    [
      ...(texts.length === 0 ? [] : [`string(${value}) in [${texts.join(', ')}]`]),
      ...(numbers.length === 0 ? [] : [`double(${value}) in [${numbers.join(', ')}]`]),
      ...ranges,
    ],
    '||',
  );
}

function within({ low, high }: { low: string | number; high: string | number }, value: string): string {
  if (typeof low === 'number' && typeof high === 'number') {
    return `(double(${value}) >= ${number(low)} && double(${value}) <= ${number(high)})`;
  }
  return `(string(${value}) >= ${text(String(low))} && string(${value}) <= ${text(String(high))})`;
}

/** In parentheses, and by halves: what is nested one in another is limited in depth. */
function joined(parts: readonly string[], operator: '&&' | '||'): string {
  const half = parts.length >> 1;
  if (half === 0) return `(${parts.join('')})`;
  return `(${joined(parts.slice(0, half), operator)} ${operator} ${joined(parts.slice(half), operator)})`;
}

function text(value: string): string {
  return JSON.stringify(value);
}

function number(value: number): string {
  const written = String(value);
  return /[.e]/.test(written) ? written : `${written}.0`;
}
