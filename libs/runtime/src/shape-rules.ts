import { z } from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL',
  email: 'an e-mail address',
  uuid: 'a UUID',
  date: 'a date, as 2026-01-31',
  datetime: 'a time, as 2026-01-31T12:00:00Z',
  base64: 'base64',
};

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  record: ['field', 'fields'],
  map: ['field', 'fields'],
  set: ['entry', 'entries'],
};

/**
 * What a shape says of a wrong value, as the rest of a sentence that begins with the name of the field or setting:
 * `leaseMs must be at least 1000`. A shape's own words, where it has any, are said in place of these.
 */
function ruleOf(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) {
    return 'is missing';
  }
  switch (issue.code) {
    case 'invalid_type':
      return typeRule(issue.expected, z.core.util.parsedType(issue.input));
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map((value) => z.core.util.stringifyPrimitive(value)))}`;
    case 'too_small':
      return bound('at least', 'more than', { ...issue, bound: issue.minimum });
    case 'too_big':
      return bound('at most', 'less than', { ...issue, bound: issue.maximum });
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatRule({ ...issue });
    case 'unrecognized_keys':
      return `has ${issue.keys.join(', ')}, which is not known here`;
    case 'invalid_key':
      return 'has a name that is not allowed here';
    case 'invalid_union':
      return 'has none of the forms that are allowed here';
    default:
      return 'is not allowed here';
  }
}

function typeRule(expected: string, received: string): string {
  const rule = `must be ${typeName(expected)}`;
  // 1.5 and what is not a number at all say it by themselves.
  return received === 'nan' || expected === 'int' ? rule : `${rule}, not ${typeName(received)}`;
}

function typeName(type: string): string {
  return TYPES[type] ?? `a ${type}`;
}

function oneOf(values: readonly string[]): string {
  return values.length <= 1 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

interface Bound {
  origin: string;
  bound: number | bigint;
  inclusive?: boolean | undefined;
  exact?: boolean | undefined;
}

function bound(upTo: string, beyond: string, { origin, bound: limit, inclusive = true, exact = false }: Bound): string {
  const units = UNITS[origin];
  const words = exact ? 'exactly' : inclusive ? upTo : beyond;
  if (units === undefined) return `must be ${words} ${limit}`;
  if (upTo === 'at least' && inclusive && Number(limit) === 1) return 'must not be empty';
  return `must have ${words} ${limit} ${units[Number(limit) === 1 ? 0 : 1]}`;
}

function formatRule(issue: Record<string, unknown>): string {
  const { format, pattern, prefix, suffix, includes } = issue;
  if (format === 'starts_with') return `must begin with ${String(prefix)}`;
  if (format === 'ends_with') return `must end with ${String(suffix)}`;
  if (format === 'includes') return `must have ${String(includes)} in it`;
  if (format === 'regex') return `must match ${String(pattern)}`;
  return `must be ${FORMATS[String(format)] ?? String(format)}`;
}

z.config({ localeError: ruleOf });
