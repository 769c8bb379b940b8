import type { Metric, Registry } from 'prom-client';

interface HistogramOptions {
  name: string;
  help: string;
  /** Upper bounds in seconds, rising. */
  buckets: readonly number[];
  registry: Registry;
}

/**
 * A histogram of durations without labels. That of prom-client looks for its labels at every observation, which takes
 * longer than some of what is observed here.
 */
export class SecondsHistogram {
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(private readonly options: HistogramOptions) {
    this.#counts = new Float64Array(options.buckets.length + 1);
    // The registry asks a metric for its name and its values only.
    options.registry.registerMetric(this as unknown as Metric);
  }

  get name(): string {
    return this.options.name;
  }

  observe(seconds: number): void {
    const { buckets } = this.options;
    let at = 0;
    while (at < buckets.length && seconds > buckets[at]!) at += 1;
    this.#counts[at]! += 1;
    this.#sum += seconds;
  }

  /** As prom-client's registry asks for it. */
  get(): Promise<object> {
    const { name, help, buckets } = this.options;
    const values: { metricName: string; labels: { le?: number | string }; value: number }[] = [];
    let count = 0;
    for (const [at, each] of this.#counts.entries()) {
      count += each;
      values.push({ metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf' }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }
}
