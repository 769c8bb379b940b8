import { nearest as nearestInSpelling } from '@heddle/event';

/**
 * The candidate that a word was most likely meant to be: the one it is a slip of the pen of, else the only one that begins
 * with it.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const near = nearestInSpelling(word, candidates);
  if (near !== undefined || word.length > 64) return near;
  const beginning = candidates.filter((candidate) => word.length > 1 && candidate.startsWith(word));
  return beginning.length === 1 ? beginning[0] : undefined;
}
