import type { StoredEvent } from '@heddle/event';
import { type FilterDialect, type FilterPart, NOTHING_REQUIRED, type Verdict } from './filter.js';
import { conjunctionKey } from './filter-key.js';

/** At least one of its filters holds. */
export const any: FilterDialect = {
  name: 'any',
  compile: (operand, path, compiler) => anyOf(compiler.list(operand, path), path),
};

function anyOf(parts: readonly FilterPart[], path: string): FilterPart {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    key: conjunctionKey(
      'any',
      parts.map(({ key }) => key),
    ),
    required: NOTHING_REQUIRED,
    isExact: false,
    decide: (event) => decideAny(parts, event),
    find(event) {
      const findings = parts.map((part) => part.find(event));
      const found = findings.find(({ verdict }) => verdict === true);
      if (found !== undefined) return found;
      const first = findings.find(({ verdict }) => verdict === undefined) ?? findings[0]!;
      return { verdict: first.verdict, reason: `${path}: none of ${parts.length} holds; ${first.reason}` };
    },
  };
}

function decideAny(parts: readonly FilterPart[], event: StoredEvent): Verdict {
  let verdict: Verdict = false;
  for (const part of parts) {
    const one = part.decide(event);
    if (one === true) return true;
    if (one === undefined) verdict = undefined;
  }
  return verdict;
}
