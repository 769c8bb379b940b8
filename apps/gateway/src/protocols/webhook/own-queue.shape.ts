import { typeMatcher } from '@heddle/event';
import { z } from 'zod';

/** The settings of a queue that a webhook brings: the fields of `PUT /v1/queues/{name}` that make sense for it. */
export const queueSettings = {
  types: z
    .array(z.string().min(1).max(256))
    .min(1, 'must name at least one event type, exact or with * at its end')
    .max(100)
    .refine(areTypePatterns, 'must be event types, exact or with * at their end')
    .optional()
    .describe('event types, exact or with a trailing *'),
  order: z.enum(['none', 'key', 'queue']).optional(),
  deadLetters: z.boolean().optional(),
  start: z
    .enum(['now', 'earliest'])
    .optional()
    .describe('where a new webhook begins; changing a webhook keeps its position'),
};

function areTypePatterns(patterns: readonly string[]): boolean {
  try {
    typeMatcher(patterns);
    return true;
  } catch {
    return false;
  }
}
