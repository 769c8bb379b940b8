import { wrongLine } from '../wrong-line.js';

/** Decides whether an event is shown. */
export type Condition = (event: Readonly<Record<string, unknown>>) => boolean;

type Compare = (present: unknown, wanted: string) => boolean;

/** What may stand between a path and a value; longer ones first, for the shorter ones begin like them. */
export const OPERATORS: Readonly<Record<string, { about: string; holds: Compare }>> = {
  '!=': { about: 'is not, or is not there', holds: (present, wanted) => text(present) !== wanted },
  '^=': { about: 'begins with', holds: (present, wanted) => text(present)?.startsWith(wanted) === true },
  '$=': { about: 'ends with', holds: (present, wanted) => text(present)?.endsWith(wanted) === true },
  '*=': { about: 'has in it', holds: (present, wanted) => text(present)?.includes(wanted) === true },
  '>=': { about: 'at least', holds: (present, wanted) => order(present, wanted) >= 0 },
  '<=': { about: 'at most', holds: (present, wanted) => order(present, wanted) <= 0 },
  '=': { about: 'is', holds: (present, wanted) => text(present) === wanted },
  '>': { about: 'more than', holds: (present, wanted) => order(present, wanted) > 0 },
  '<': { about: 'less than', holds: (present, wanted) => order(present, wanted) < 0 },
};

const PARTS = /^([A-Za-z0-9_.-]+?)\s*(!=|\^=|\$=|\*=|>=|<=|=|>|<)\s*(.*)$/s;

/**
 * Reads a condition as `subject=4711`, `type$=.Created.v1` or `data.NetAmount>=1000`: an attribute, or a path in the data;
 * numbers are compared as such. What is not there does not match.
 *
 * @throws HeddleError `command-invalid`
 */
export function conditionOf(expression: string): Condition {
  const [, path = '', operator = '', wanted = ''] = PARTS.exec(expression) ?? [];
  const { holds } = OPERATORS[operator] ?? {};
  if (holds === undefined) {
    throw wrongLine(
      `${expression} is no condition: write an attribute or data.FIELD, one of ${Object.keys(OPERATORS).join(' ')}, and a value.`,
      '--where',
    );
  }
  const steps = path.split('.');
  return (event) => holds(at(event, steps), wanted);
}

function at(value: unknown, steps: readonly string[]): unknown {
  let present = value;
  for (const step of steps) {
    if (typeof present !== 'object' || present === null || !Object.hasOwn(present, step)) return undefined;
    present = (present as Record<string, unknown>)[step];
  }
  return present;
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** NaN where there is nothing to compare, which is neither more nor less. */
function order(present: unknown, wanted: string): number {
  const written = text(present);
  if (written === undefined || present === null) return Number.NaN;
  const [one, other] = [Number(written), Number(wanted)];
  if (written.trim() !== '' && wanted.trim() !== '' && Number.isFinite(one) && Number.isFinite(other))
    return one - other;
  return written < wanted ? -1 : written > wanted ? 1 : 0;
}
