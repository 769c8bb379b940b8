import { typeMatcher } from '@heddle/event';
import type { z } from 'zod';
import type { countsShape } from '../ledger/ledger.shape.js';
import type { Binding } from './binding.js';

type Counts = z.infer<typeof countsShape>;

const COUNTED = [
  'published',
  'acknowledged',
  'consumed',
  'failed',
  'dropped',
  'retrying',
  'attempts',
  'open',
] as const satisfies (keyof Counts)[];
const LAST = ['lastPublishedAt', 'lastAcknowledgedAt', 'lastFailedAt'] as const satisfies (keyof Counts)[];

/**
 * Counts by event type as counts by binding, in their order. What belongs to none is apart: types that were bound once, and
 * what was published to the queue itself. Nothing is lost and nothing counts twice, for bindings have no type in common.
 */
export function countByBinding(
  bindings: readonly Binding[],
  types: readonly Counts[],
): { bindings: Counts[]; unbound: Counts[] } {
  const matchers = bindings.map(({ type }) => typeMatcher([type]));
  const byBinding = Map.groupBy(types, ({ type }) => matchers.findIndex((matches) => matches(type)));
  return {
    bindings: bindings.map(({ type }, index) => sumOf(type, byBinding.get(index) ?? [])),
    unbound: byBinding.get(-1) ?? [],
  };
}

function sumOf(type: string, counts: readonly Counts[]): Counts {
  const sums = COUNTED.map((name) => [name, counts.reduce((sum, one) => sum + one[name], 0)]);
  const last = LAST.map((name): [string, string | undefined] => [name, counts.map((one) => one[name]).sort(byTime)[0]]);
  return Object.fromEntries([['type', type], ...sums, ...last.filter(([, at]) => at !== undefined)]) as Counts;
}

/** The latest first; what has none, last. */
function byTime(one = '', other = ''): number {
  return one < other ? 1 : one > other ? -1 : 0;
}
