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
