import type { StoredEvent } from '@heddle/event';

/** Attribute names with the value, prefix or suffix that is wanted of each. */
export type AttributeValues = Readonly<Record<string, string>>;

/**
 * One filter, as JSON: the dialects of the CloudEvents Subscriptions API 1.0 (section 3.2.4.1), and `cel`, an
 * expression over attributes and data.
 */
export type FilterExpression =
  | { exact: AttributeValues }
  | { prefix: AttributeValues }
  | { suffix: AttributeValues }
  | { all: readonly FilterExpression[] }
  | { any: readonly FilterExpression[] }
  | { not: FilterExpression }
  | { cel: string };

/** A filter ready for use. It keeps nothing of the events it sees. */
export interface CompiledFilter {
  /** Canonical text: filters with equal keys decide alike, so they are evaluated once. */
  readonly key: string;
  /** Attribute values without which it cannot match: what an index may look it up by. */
  readonly required: AttributeValues;
  /** Whether {@link required} is all it wants. */
  readonly isExact: boolean;
  /** Whether it holds. What cannot be decided, for data that is missing or of another type, does not match. */
  matches(event: StoredEvent): boolean;
  /** The same decision with its reason; slower. */
  explain(event: StoredEvent): Explanation;
}

/** Why an event does not match: the path of the first part that did not hold, and what stood there instead. */
export type Explanation = { matches: true } | { matches: false; reason: string };

/**
 * Undefined where it cannot be decided. A part that cannot be decided stays so under `not`, or a failure would become
 * a match: the logic is Kleene's, as in CEL itself, and all laws of `not`, `all` and `any` hold in it.
 */
export type Verdict = boolean | undefined;

/** One part of a filter, as its dialect compiled it. */
export interface FilterPart {
  readonly key: string;
  readonly required: AttributeValues;
  readonly isExact: boolean;
  /** What this one is the negation of, so that `not` of it need not be evaluated twice. */
  readonly negated?: FilterPart;
  decide(event: StoredEvent): Verdict;
  /** The verdict, and in words with the path of the part what led to it. */
  find(event: StoredEvent): Finding;
}

export interface Finding {
  verdict: Verdict;
  reason: string;
}

/** A dialect: what it is called in a filter, and how its operand becomes a part. */
export interface FilterDialect {
  readonly name: string;
  /** @throws HeddleError `filter-invalid` naming the path of the part that is wrong */
  compile(operand: unknown, path: string, compiler: FilterCompiler): FilterPart;
}

/** What dialects made of other filters compile those with. */
export interface FilterCompiler {
  one(expression: unknown, path: string): FilterPart;
  /** A list that must not be empty. */
  list(expressions: unknown, path: string): readonly FilterPart[];
}

export const NOTHING_REQUIRED: AttributeValues = Object.freeze({});
