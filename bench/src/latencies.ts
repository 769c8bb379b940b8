import { type Histogram, build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js';

const LONGEST_MICROS = 120_000_000;

/** Microseconds of the system's monotonic clock: the same clock in every process of the machine. */
export function nowMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1_000_000 + Math.round(nanos / 1000);
}

/** Latencies with three significant digits, in a form that travels between processes. */
export class Latencies {
  readonly #histogram: Histogram;

  constructor(histogram?: Histogram) {
    this.#histogram =
      histogram ??
      build({ highestTrackableValue: LONGEST_MICROS, numberOfSignificantValueDigits: 3, bitBucketSize: 32 });
  }

  /** Those of several processes as one. */
  static of(...encoded: readonly string[]): Latencies {
    const all = new Latencies();
    for (const each of encoded) all.#histogram.add(decodeFromCompressedBase64(each, 32, false));
    return all;
  }

  record(micros: number): void {
    this.#histogram.recordValue(Math.min(LONGEST_MICROS, Math.max(1, Math.round(micros))));
  }

  /** Milliseconds below which that share of percent lies; not a number where nothing was recorded. */
  percentileMs(percent: number): number {
    if (this.#histogram.totalCount === 0) return Number.NaN;
    return this.#histogram.getValueAtPercentile(percent) / 1000;
  }

  encoded(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }
}
