import { nearest } from '@heddle/event';
import { shapeError } from '@heddle/runtime';
import type { z } from 'zod';

const MAX_FIELDS = 20;

/**
 * A shape that, as a Standard Schema, names each field it does not know together with the nearest one it does: a slip
 * of the pen in a queue's definition would otherwise be a rule that is silently not there.
 */
export function namingNearest<T extends z.ZodType>(
  shape: T,
): T['~standard'] extends infer S ? { '~standard': S } : never {
  const { '~standard': standard } = shape;
  return {
    '~standard': {
      ...standard,
      validate: (value: unknown) => {
        const read = shape.safeParse(value);
        return read.success
          ? { value: read.data }
          : { issues: read.error.issues.flatMap((issue) => named(issue, shape)) };
      },
    },
  } as never;
}

/**
 * Reads a body by hand, for doors outside of Nest.
 *
 * @throws HeddleError `data-invalid` that names every wrong field
 */
export function readShape<T extends z.ZodType>(shape: T, value: unknown): z.output<T> {
  const read = shape.safeParse(value);
  if (read.success) return read.data;
  throw shapeError(read.error.issues.flatMap((issue) => named(issue, shape)));
}

interface NamedIssue {
  path: PropertyKey[];
  message: string;
}

function named(issue: z.core.$ZodIssue, shape: z.ZodType): NamedIssue[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
  const known = fieldsAt(shape, issue.path);
  return issue.keys.slice(0, MAX_FIELDS).map((key) => {
    const near = nearest(key, known);
    const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
    return { path: [...issue.path, key.slice(0, 64)], message: `is not known here; ${hint}` };
  });
}

/** The fields of the object at a path of a shape, through what may be left out and lists. */
function fieldsAt(shape: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: Definition | undefined = definitionOf(shape);
  for (const step of path) at = bare(typeof step === 'number' ? at?.element : at?.shape?.[String(step)]);
  return Object.keys(bare(at)?.shape ?? {});
}

/** What of zod's definitions is followed here. */
interface Definition {
  shape?: Record<string, unknown>;
  element?: unknown;
  innerType?: unknown;
}

function definitionOf(shape: unknown): Definition | undefined {
  return (shape as { _zod?: { def: Definition } } | undefined)?._zod?.def;
}

function bare(shape: unknown): Definition | undefined {
  let definition = definitionOf(shape) ?? (shape as Definition | undefined);
  while (definition?.innerType !== undefined) definition = definitionOf(definition.innerType);
  return definition;
}
