/** How long things took, in milliseconds. */
export interface Latencies {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Undefined where nothing was measured. */
export function latenciesOf(samples: readonly number[]): Latencies | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  return { p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99), max: at(sorted, 1) };
}

/** The nearest rank: the least sample that so great a share of all does not exceed. */
function at(sorted: readonly number[], share: number): number {
  const index = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return Math.round((sorted[index] ?? 0) * 10) / 10;
}
