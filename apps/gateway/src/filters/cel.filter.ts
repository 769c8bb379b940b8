import { type FilterDialect, NOTHING_REQUIRED } from './filter.js';
import { CelProblem, compileCel } from './cel-expression.js';
import { filterProblem } from './filter-problem.js';

/** An expression of the Common Expression Language over attributes and data holds. */
export const cel: FilterDialect = {
  name: 'cel',
  compile(operand, path) {
    if (typeof operand !== 'string' || operand.trim() === '') {
      throw filterProblem(path, 'must be a CEL expression in a string');
    }
    try {
      const expression = compileCel(operand);
      return {
        key: `cel ${expression.key}`,
        required: NOTHING_REQUIRED,
        isExact: false,
        decide: (event) => expression.decide(event),
        find(event) {
          const { verdict, problem } = expression.find(event);
          if (problem !== undefined) return { verdict, reason: `${path}: ${problem}` };
          return { verdict, reason: `${path}: ${verdict === true ? 'holds' : 'is false'}` };
        },
      };
    } catch (error) {
      if (error instanceof CelProblem) throw filterProblem(path, error.message);
      throw error;
    }
  },
};
