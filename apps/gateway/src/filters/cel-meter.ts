import type { RE2JS } from 're2js';

/**
 * Steps one evaluation may take: a node of the expression evaluated again in a loop, an element or eight characters
 * looked at. A step takes 10 to 100 ns, and 300 ns where every round of a loop fails: the worst expressions measured
 * end within 60 ms, and a loop over 10,000 items of an order is still within the bound.
 */
export const CEL_STEPS = 200_000;

/** What an evaluation may still cost. The library evaluates at one go, so one meter serves all expressions. */
export class CelMeter {
  #left = 0;
  #patterns: readonly RE2JS[] = [];

  begin(patterns: readonly RE2JS[]): void {
    this.#left = CEL_STEPS;
    this.#patterns = patterns;
  }

  /** Whether the evaluation took more than it may; its result is then worth nothing. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** Whether another round of a loop may begin. It does not throw, for `all` and `exists` would go on to the end. */
  mayGoOn(steps: number): boolean {
    return (this.#left -= steps) >= 0;
  }

  spend(steps: number): void {
    if (!this.mayGoOn(steps)) throw SPENT;
  }

  /** Pays for an operation that looks at a value once, and hands the value on. */
  look<Value>(value: Value): Value {
    this.spend(sizeOf(value));
    return value;
  }

  /** Pays for an operation that looks at everything in a value. */
  lookThrough<Value>(value: Value): Value {
    this.#through(value);
    return value;
  }

  /** `text.matches(pattern)`, in time linear in the text (RE2, as CEL specifies). */
  matches(text: string, pattern: number): boolean {
    const compiled = this.#patterns[pattern]!;
    this.spend(4 + (text.length * compiled.programSize()) / 10);
    return compiled.test(text);
  }

  #through(value: unknown): void {
    this.spend(sizeOf(value));
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) this.#through(inner);
  }
}

/** Made once: an error with a stack would cost more than what it stops. */
const SPENT = new Error('the expression takes too many steps');

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / 8;
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value) || value instanceof Uint8Array) return 1 + value.length;
  return 1 + Object.keys(value).length;
}
