import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { z } from 'zod';
import { readShape } from './shape-error.js';

/** Holds parameters of controllers to their shapes, in the words of {@link readShape}. */
export class ShapePipe extends StandardSchemaValidationPipe {
  protected override validate<T>(value: unknown, shape: object): { value: T } {
    return { value: readShape(shape as z.ZodType<T>, value) };
  }
}
