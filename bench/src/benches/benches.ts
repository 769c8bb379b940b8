import type { Bench } from '../bench.js';
import { publish } from './publish.js';

/** Every bench, in the order `all` runs them. */
export const benches: readonly Bench[] = [publish];
