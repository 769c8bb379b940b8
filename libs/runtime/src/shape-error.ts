import { type FieldRule, fieldsInvalid, suggestion } from '@heddle/event';
import type { z } from 'zod';
import { fieldsAt } from './shape-fields.js';
import './shape-rules.js';

/** A rule of a shape that a value breaks; `field` is its path as a client is told it. */
export interface BrokenRule extends FieldRule {
  /** Where: a field that the shape does not know has a path of its own. */
  path: readonly PropertyKey[];
}

/** How much of what a client calls a field comes back to it. */
const MAX_NAME = 64;
const MAX_RULES = 100;
/** Fields of one object that are not known: each is said with those that are. */
const MAX_UNKNOWN = 20;

/** What issues of a shape say, field by field; what is not known is said with the nearest field there is at its place. */
export function brokenRules(shape: z.ZodType, issues: readonly z.core.$ZodIssue[]): BrokenRule[] {
  const rules: BrokenRule[] = [];
  for (const issue of issues) {
    if (rules.length >= MAX_RULES) break;
    const { path, code, message } = issue;
    if (code === 'unrecognized_keys') rules.push(...unknownFields(shape, issue));
    else if (code === 'invalid_key') rules.push(broken(path, issue.issues[0]?.message ?? message));
    else rules.push(broken(path, message));
  }
  return rules.slice(0, MAX_RULES);
}

/**
 * What a shape makes of an input.
 *
 * @throws HeddleError `data-invalid` that names every field that is wrong, with its rule
 */
export function readShape<T extends z.ZodType>(shape: T, input: unknown): z.output<T> {
  const result = shape.safeParse(input);
  if (result.success) return result.data;
  throw fieldsInvalid(brokenRules(shape, result.error.issues).map(({ field, rule }) => ({ field, rule })));
}

function unknownFields(shape: z.ZodType, { path, keys }: z.core.$ZodIssueUnrecognizedKeys): BrokenRule[] {
  const known = fieldsAt(shape, path);
  return keys.slice(0, MAX_UNKNOWN).map((key) => {
    const hint = suggestion(key, known);
    return broken([...path, key], `is not known here${hint === '' ? '' : `; ${hint}`}`);
  });
}

function broken(path: readonly PropertyKey[], rule: string): BrokenRule {
  return { path, field: path.map((part) => String(part).slice(0, MAX_NAME)).join('.'), rule };
}
