import { HeddleError } from './errors.js';

const PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const MAX_PATTERN_LENGTH = 256;

/** Decides whether an event type is wanted. */
export type TypeMatcher = (type: string) => boolean;

/**
 * Compiles patterns of event types: an exact type, a prefix with a trailing `*` (`sap.s4.beh.salesorder.*`), or `*`.
 *
 * @throws HeddleError `parameter-invalid` for a wildcard that is not at the end, or a character types do not have.
 */
export function typeMatcher(patterns: readonly string[]): TypeMatcher {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const pattern of patterns) {
    if (pattern.length > MAX_PATTERN_LENGTH)
      throw badPattern(pattern, `is longer than ${MAX_PATTERN_LENGTH} characters`);
    const stem = pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
    if (pattern !== '*' && !PATTERN.test(stem)) {
      throw badPattern(pattern, 'must be letters, digits, dots, hyphens and underscores, with * at its end at most');
    }
    if (pattern.endsWith('*')) prefixes.push(stem);
    else exact.add(pattern);
  }
  if (prefixes.length === 0 && exact.size === 1) {
    const [only] = exact;
    return (type) => type === only;
  }
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix));
}

function badPattern(pattern: string, rule: string): HeddleError {
  return new HeddleError('parameter-invalid', `The type pattern ${JSON.stringify(pattern.slice(0, 80))} ${rule}.`, {
    field: 'types',
  });
}
