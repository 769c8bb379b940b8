import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { FilterTrials, type TrialResult } from './filter-trials.js';
import { filterShape } from './filter.shape.js';

/** As `typeMatcher` reads it. */
const TYPE_PATTERN = /^(?:[*]|[A-Za-z0-9][A-Za-z0-9_.-]*[*]?)$/;

/** The body of `POST /v1/filters/test`. */
export const trialShape = z.strictObject({
  filter: filterShape,
  types: z
    .array(z.string().max(256).regex(TYPE_PATTERN, 'must be an event type, exact or with * at its end'))
    .min(1, 'must name at least one event type, exact or with * at its end')
    .max(100)
    .optional()
    .describe(
      'only events of these types are tried, exact or with a trailing *; all that the client may consume when left out',
    ),
  last: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .default(100)
    .describe('how many stored events are tried, the newest of all topics'),
});

export const trialResultShape = z.object({
  matched: z.int(),
  isCut: z.boolean().describe('true when it ended before it had as many as asked for, though the log has more'),
  events: z
    .array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        offset: z.int(),
        id: z.string(),
        type: z.string(),
        key: z.string(),
        appendedAt: z.string(),
        matches: z.boolean(),
        reason: z
          .string()
          .optional()
          .describe('the path of the first part of the filter that did not hold, and what stood there instead'),
      }),
    )
    .describe('newest first'),
});

/** What a filter would have matched. */
@Controller('v1/filters')
export class FiltersController {
  constructor(@Inject(FilterTrials) private readonly trials: FilterTrials) {}

  @Post('test')
  @HttpCode(200)
  @Access({ verb: 'consume', kind: 'type' })
  test(@By() caller: Caller, @Body({ schema: trialShape }) body: z.infer<typeof trialShape>): Promise<TrialResult> {
    return this.trials.run(caller, body);
  }
}
