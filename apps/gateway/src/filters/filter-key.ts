/** The key of a conjunction or disjunction: neither order nor repetition of its parts makes a difference. */
export function conjunctionKey(name: 'all' | 'any', keys: readonly string[]): string {
  const distinct = [...new Set(keys)].sort();
  return distinct.length === 1 ? distinct[0]! : `${name}(${distinct.join(', ')})`;
}
