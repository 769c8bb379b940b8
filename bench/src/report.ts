/** What a figure is to reach. */
export interface Target {
  is: 'at least' | 'at most';
  value: number;
}

export interface Figure {
  label: string;
  /** One value for each run; the median is what counts. */
  values: readonly number[];
  unit: string;
  target?: Target | undefined;
  /** Said behind it, in parentheses. */
  remark?: string;
}

export function atLeast(value: number): Target {
  return { is: 'at least', value };
}

export function atMost(value: number): Target {
  return { is: 'at most', value };
}

const LABEL_WIDTH = 36;
const VALUE_WIDTH = 28;

/** Prints figures as they come, each beside its target, and knows at the end how many were reached. */
export class Report {
  reached = 0;
  readonly missed: string[] = [];
  readonly faults: string[] = [];
  #title = '';

  constructor(private readonly write: (line: string) => void) {}

  title(text: string): void {
    this.write(text);
    this.#title = text.split(':')[0] ?? text;
  }

  section(text: string): void {
    this.write('');
    this.write(`  ${text}`);
  }

  figure(figure: Figure): void {
    const { label, values, unit, target, remark } = figure;
    const value = median(values);
    const spread =
      values.length > 1
        ? `  [${[...values]
            .sort((a, b) => a - b)
            .map(format)
            .join(' · ')}]`
        : '';
    let verdict = '';
    if (target !== undefined) {
      const isReached = target.is === 'at least' ? value >= target.value : value <= target.value;
      if (isReached) this.reached += 1;
      else
        this.missed.push(
          `${this.#title}: ${label} ${format(value)} ${unit} (target ${target.is} ${format(target.value)})`,
        );
      verdict = `target ${target.is} ${format(target.value)}: ${isReached ? 'reached' : 'NOT REACHED'}`;
    }
    const text = `    ${label.padEnd(LABEL_WIDTH)}${`${format(value)} ${unit}`.padEnd(VALUE_WIDTH)}${verdict}`;
    this.write(`${text.trimEnd()}${remark === undefined ? '' : `  (${remark})`}${spread}`);
  }

  note(text: string): void {
    this.write(`    ${text}`);
  }

  /** Work that was not done: figures beside it mean nothing. */
  fault(text: string): void {
    this.note(`FAULT: ${text}`);
    this.faults.push(`${this.#title}: ${text}`);
  }

  /** One line on all targets, and one for each that was missed; before it, what went wrong. */
  conclusion(): void {
    if (this.faults.length > 0) this.write(`${this.faults.length} faults:`);
    for (const each of this.faults) this.write(`  ${each}`);
    const count = this.reached + this.missed.length;
    if (count === 0) return;
    this.write('');
    this.write(`${this.reached} of ${count} targets reached${this.missed.length > 0 ? '; not reached:' : '.'}`);
    for (const each of this.missed) this.write(`  ${each}`);
  }
}

/** The middle value; of two middle ones their mean. Not a number for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Three significant digits below a thousand, whole numbers with separators above. */
function format(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
