import { type FilterDialect, NOTHING_REQUIRED, type Verdict } from './filter.js';

/** Its filter does not hold. What cannot be decided does not match with `not` either. */
export const not: FilterDialect = {
  name: 'not',
  compile(operand, path, compiler) {
    const part = compiler.one(operand, path);
    if (part.negated !== undefined) return part.negated;
    const opposite = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
    return {
      key: `not(${part.key})`,
      negated: part,
      required: NOTHING_REQUIRED,
      isExact: false,
      decide: (event) => opposite(part.decide(event)),
      find(event) {
        const { verdict, reason } = part.find(event);
        if (verdict === true) return { verdict: false, reason: `${path}: must not hold; ${reason}` };
        return { verdict: opposite(verdict), reason };
      },
    };
  },
};
