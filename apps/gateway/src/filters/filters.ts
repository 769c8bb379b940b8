import type { StoredEvent } from '@heddle/event';
import { all, allOf } from './all.filter.js';
import { any } from './any.filter.js';
import { cel } from './cel.filter.js';
import { exact } from './exact.filter.js';
import type { CompiledFilter, FilterCompiler, FilterDialect, FilterExpression, FilterPart } from './filter.js';
import { filterProblem, shown } from './filter-problem.js';
import { not } from './not.filter.js';
import { prefix } from './prefix.filter.js';
import { suffix } from './suffix.filter.js';

/** Every dialect there is. */
export const filterDialects: readonly FilterDialect[] = [exact, prefix, suffix, all, any, not, cel];

/**
 * Bounds of one filter: expressions of a list, of the whole filter, those in CEL among them (each may take long), and
 * how deep they may stand in one another.
 */
export const FILTER_LIMITS = { list: 100, expressions: 500, cel: 10, depth: 8 } as const;

export interface CompileOptions {
  /** Called with the filter's key whenever it could not be decided and therefore did not match. */
  onError?(key: string): void;
}

/**
 * Compiles a list of filters: an event matches if all of them hold; none means every event.
 *
 * @throws HeddleError `filter-invalid`, with the path of the wrong part as its field: `filter.0.all.1.exact.type`.
 */
export function compileFilter(
  expressions: readonly FilterExpression[],
  { onError }: CompileOptions = {},
): CompiledFilter {
  const part = allOf(new Compiler().parts(expressions, 'filter', 0), 'filter');
  const { key, required, isExact } = part;
  return {
    key,
    required,
    isExact,
    matches(event: StoredEvent): boolean {
      const verdict = part.decide(event);
      if (verdict === undefined) onError?.(key);
      return verdict === true;
    },
    explain(event) {
      const { verdict, reason } = part.find(event);
      return verdict === true ? { matches: true } : { matches: false, reason };
    },
  };
}

class Compiler implements FilterCompiler {
  #count = 0;
  #celCount = 0;
  #depth = 0;

  one(expression: unknown, path: string): FilterPart {
    this.#count += 1;
    if (this.#count > FILTER_LIMITS.expressions) {
      throw filterProblem(path, `is one too many: a filter has at most ${FILTER_LIMITS.expressions} expressions`);
    }
    if (this.#depth >= FILTER_LIMITS.depth) {
      throw filterProblem(path, `is nested too deep: at most ${FILTER_LIMITS.depth} stand in one another`);
    }
    const [dialect, operand] = this.#dialectOf(expression, path);
    if (dialect === cel) this.#celCount += 1;
    if (this.#celCount > FILTER_LIMITS.cel) {
      throw filterProblem(path, `is one too many: a filter has at most ${FILTER_LIMITS.cel} expressions in cel`);
    }
    this.#depth += 1;
    const part = dialect.compile(operand, `${path}.${dialect.name}`, this);
    this.#depth -= 1;
    return part;
  }

  list(expressions: unknown, path: string): readonly FilterPart[] {
    return this.parts(expressions, path, 1);
  }

  parts(expressions: unknown, path: string, least: 0 | 1): readonly FilterPart[] {
    if (!Array.isArray(expressions)) throw filterProblem(path, 'must be a list of filters');
    if (expressions.length < least) throw filterProblem(path, 'must not be an empty list');
    if (expressions.length > FILTER_LIMITS.list) {
      throw filterProblem(path, `must be at most ${FILTER_LIMITS.list} filters`);
    }
    return expressions.map((expression, index) => this.one(expression, `${path}.${index}`));
  }

  #dialectOf(expression: unknown, path: string): [dialect: FilterDialect, operand: unknown] {
    const known = filterDialects.map(({ name }) => name).join(', ');
    if (typeof expression !== 'object' || expression === null || Array.isArray(expression)) {
      throw filterProblem(path, `must be an object with one dialect of ${known}`);
    }
    const [first, ...others] = Object.entries(expression as Record<string, unknown>);
    if (first === undefined) throw filterProblem(path, `must name a dialect, one of ${known}`);
    if (others.length > 0) throw filterProblem(path, 'must name one dialect only; several filters stand in a list');
    const dialect = filterDialects.find(({ name }) => name === first[0]);
    if (dialect === undefined)
      throw filterProblem(path, `names the unknown dialect ${shown(first[0])}; there are ${known}`);
    return [dialect, first[1]];
  }
}
