import { ATTRIBUTE_LIMITS, type StoredEvent } from '@heddle/event';
import { type AttributeValues, type FilterDialect, type FilterPart, NOTHING_REQUIRED } from './filter.js';
import { conjunctionKey } from './filter-key.js';
import { filterProblem, shown } from './filter-problem.js';

const ATTRIBUTE_NAME = /^[a-z0-9]{1,64}$/;

/** How a dialect compares the value of an attribute with what is wanted of it. */
export interface AttributeComparison {
  readonly name: 'exact' | 'prefix' | 'suffix';
  holds(value: string, wanted: string): boolean;
  /** Between what stands there and what is wanted: `is not`. */
  readonly unlike: string;
}

/**
 * A dialect that compares attributes with strings, case-sensitively; of several attributes, all must hold (CloudEvents
 * Subscriptions API 1.0, section 3.2.4.1). An attribute that is not there never holds.
 */
export function attributeDialect(comparison: AttributeComparison): FilterDialect {
  return { name: comparison.name, compile: (operand, path) => attributePart(comparison, operand, path) };
}

function attributePart(comparison: AttributeComparison, operand: unknown, path: string): FilterPart {
  const { name: dialect, holds, unlike } = comparison;
  const wanted = Object.entries(attributeValues(operand, path));
  const decide = ({ attributes }: StoredEvent): boolean => {
    for (const [name, text] of wanted) {
      const value = attributeOf(attributes, name);
      if (value === undefined || !holds(value, text)) return false;
    }
    return true;
  };
  return {
    key: conjunctionKey(
      'all',
      wanted.map(([name, text]) => `${dialect} ${name} ${JSON.stringify(text)}`),
    ),
    required: dialect === 'exact' ? Object.fromEntries(wanted) : NOTHING_REQUIRED,
    isExact: dialect === 'exact',
    decide,
    find({ attributes }) {
      for (const [name, text] of wanted) {
        const value = attributeOf(attributes, name);
        if (value === undefined) return { verdict: false, reason: `${path}.${name}: the event has none` };
        if (!holds(value, text)) {
          return { verdict: false, reason: `${path}.${name}: ${shown(value)} ${unlike} ${shown(text)}` };
        }
      }
      return { verdict: true, reason: `${path} holds` };
    },
  };
}

/** An attribute by its name, in the form the log has it; `specversion` is that of all events. */
export function attributeOf(attributes: StoredEvent['attributes'], name: string): string | undefined {
  if (name === 'specversion') return '1.0';
  const value: unknown = attributes[name];
  return typeof value === 'string' ? value : undefined;
}

function attributeValues(operand: unknown, path: string): AttributeValues {
  if (typeof operand !== 'object' || operand === null || Array.isArray(operand)) {
    throw filterProblem(path, 'must be an object of attribute names with strings');
  }
  const entries = Object.entries(operand);
  if (entries.length === 0) throw filterProblem(path, 'must name at least one attribute');
  for (const [name, value] of entries as [string, unknown][]) {
    const at = `${path}.${name.slice(0, 64)}`;
    if (name === 'data') throw filterProblem(at, 'is no attribute; the data can be looked into with cel');
    if (!ATTRIBUTE_NAME.test(name)) throw filterProblem(at, 'is no attribute: their names have only a-z and 0-9');
    if (typeof value !== 'string' || value === '') throw filterProblem(at, 'must be a string that is not empty');
    if (Buffer.byteLength(value) > ATTRIBUTE_LIMITS.valueBytes) {
      throw filterProblem(at, `must be at most ${ATTRIBUTE_LIMITS.valueBytes} bytes, as attributes are`);
    }
  }
  return operand as AttributeValues;
}
