import type { z } from 'zod';
import type { Message } from '../message.js';

/** What a flow does to a message; the same message always gives the same one. */
export type Apply = (message: Message) => Message;

/** A kind of step: how it is called in a flow, what can be said about it, and what it does. */
export interface Step<Options = unknown> {
  name: string;
  shape: z.ZodType<Options>;
  /** @returns what throws HeddleError for a message that it cannot be done to: no other attempt would help */
  make(options: Options): Apply;
}

/** A step, its type of options forgotten: what passes its shape is what it makes. */
export function step<Options>(kind: Step<Options>): Step {
  return { ...kind, make: (options) => kind.make(options as Options) };
}
