import { HeddleError } from '@heddle/event';
import type { z } from 'zod';
import './shape-rules.js';

interface Issue {
  message: string;
  path?: ReadonlyArray<PropertyKey | { key: PropertyKey }> | undefined;
  /** Fields that the shape does not know: one issue speaks of all of them, at the path of their object. */
  keys?: readonly string[] | undefined;
}

/** How much of what a client calls a field comes back to it. */
const MAX_NAME = 64;
const MAX_FIELDS = 100;

/** The issues of a shape as one error that names every field, and says the first one in a sentence. */
export function shapeError(issues: readonly Issue[]): HeddleError {
  const fields = issues.flatMap(({ path = [], message, keys }) => {
    const at = path.map((part) => String(typeof part === 'object' ? part.key : part));
    if (keys === undefined || keys.length === 0) return [{ field: at.join('.'), rule: message }];
    return keys.map((key) => ({ field: [...at, key.slice(0, MAX_NAME)].join('.'), rule: 'is not known here' }));
  });
  const first = fields[0] ?? { field: '', rule: 'is not as it must be' };
  const sentence = `${first.field === '' ? 'The body' : first.field} ${first.rule}`;
  return new HeddleError('data-invalid', /[.?!]$/.test(sentence) ? sentence : `${sentence}.`, {
    fields: fields.slice(0, MAX_FIELDS),
  });
}

/** What a shape makes of an input. @throws HeddleError `data-invalid` that names every field */
export function readShape<T extends z.ZodType>(shape: T, input: unknown): z.output<T> {
  const result = shape.safeParse(input);
  if (!result.success) throw shapeError(result.error.issues);
  return result.data;
}
