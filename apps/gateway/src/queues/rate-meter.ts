const SAMPLES = 12;

/** How often counters are looked at, in milliseconds: twelve times a minute. */
export const SAMPLE_MS = 5000;

interface Sample {
  at: number;
  in: number;
  out: number;
}

/** What came and went per second over the last minute, from counters that only rise. */
export class RateMeter {
  #samples: Sample[];

  constructor(now: number) {
    this.#samples = [{ at: now, in: 0, out: 0 }];
  }

  /** Notes the counters; to be called every {@link SAMPLE_MS}. */
  note(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES + 1) this.#samples.shift();
  }

  perSecond(now: Sample): { in: number; out: number } {
    const oldest = this.#samples[0]!;
    const seconds = Math.max(1, (now.at - oldest.at) / 1000);
    const rate = (count: number): number => Math.round((count / seconds) * 10) / 10;
    return { in: rate(now.in - oldest.in), out: rate(now.out - oldest.out) };
  }
}
