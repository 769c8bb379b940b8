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
      const verdict = decideAny(parts, event);
      const findings = parts.map((part) => part.find(event));
      const decisive = findings.find((finding) => finding.verdict === verdict);
      const reason = decisive?.reason ?? `${path} does not hold`;
      return { verdict, reason: verdict === true ? reason : `${path}: none of ${parts.length} holds; ${reason}` };
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
