import type { StoredEvent } from '@heddle/event';
import type { FilterDialect, FilterPart, Verdict } from './filter.js';
import { conjunctionKey } from './filter-key.js';

/** All of its filters hold. */
export const all: FilterDialect = {
  name: 'all',
  compile: (operand, path, compiler) => allOf(compiler.list(operand, path), path),
};

/** The conjunction of parts; of none, it always holds. */
export function allOf(parts: readonly FilterPart[], path: string): FilterPart {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    key: conjunctionKey(
      'all',
      parts.map(({ key }) => key),
    ),
    // Where two parts want different values of one attribute, either will do as what is required; neither is all.
    required: Object.assign({}, ...parts.map(({ required }) => required)) as FilterPart['required'],
    isExact: parts.every(({ isExact }) => isExact) && !contradicts(parts),
    decide: (event) => decideAll(parts, event),
    find(event) {
      const findings = parts.map((part) => part.find(event));
      const broken =
        findings.find(({ verdict }) => verdict === false) ?? findings.find(({ verdict }) => verdict === undefined);
      return broken ?? { verdict: true, reason: `${path} holds` };
    },
  };
}

function decideAll(parts: readonly FilterPart[], event: StoredEvent): Verdict {
  let verdict: Verdict = true;
  for (const part of parts) {
    const one = part.decide(event);
    if (one === false) return false;
    if (one === undefined) verdict = undefined;
  }
  return verdict;
}

function contradicts(parts: readonly FilterPart[]): boolean {
  const seen = new Map<string, string>();
  return parts.some(({ required }) =>
    Object.entries(required).some(([name, value]) => {
      const other = seen.get(name);
      seen.set(name, value);
      return other !== undefined && other !== value;
    }),
  );
}
