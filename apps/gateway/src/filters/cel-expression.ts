import type { StoredEvent } from '@heddle/event';
import {
  type ASTNode,
  Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import { attributeOf } from './attribute-dialect.js';
import { CelMeter } from './cel-meter.js';
import { CelRefusal, METER, type MeteredText, TYPE_ATTRIBUTE, meteredText } from './cel-metered.js';
import type { Verdict } from './filter.js';

/** Bounds of one expression; beyond them it is refused. */
export const CEL_LIMITS = { length: 4096, nodes: 500, depth: 24, list: 250 } as const;

/** Attributes that CloudEvents or Heddle names; expressions that compare them with numbers are refused. */
const NAMED_ATTRIBUTES = [
  'specversion',
  'id',
  'source',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'partitionkey',
  'sequence',
  'dataref',
  'traceparent',
  'tracestate',
  'correlationid',
  'causationid',
];
/** What a duration may be long; the library's parser of them is slow beyond. */
const DURATION_LENGTH = 32;

const meter = new CelMeter();

const written = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: {
    maxAstNodes: CEL_LIMITS.nodes,
    maxDepth: CEL_LIMITS.depth,
    maxListElements: CEL_LIMITS.list,
    maxMapEntries: CEL_LIMITS.list,
    maxCallArguments: 4,
  },
})
  .registerVariable('data', 'dyn')
  .registerVariable('key', 'string')
  .registerVariable('attributes', 'map<string, string>')
  .registerVariable(TYPE_ATTRIBUTE, 'string');
for (const name of NAMED_ATTRIBUTES) written.registerVariable(name, 'string');

const metered = written
  .clone({ limits: { maxAstNodes: CEL_LIMITS.nodes * 8, maxDepth: CEL_LIMITS.depth * 8 } })
  .registerFunction(`${METER.go}(double): bool`, { handler: (steps: number) => meter.mayGoOn(steps), async: false })
  .registerFunction(`${METER.spend}(double): bool`, {
    handler: (steps: number) => {
      meter.spend(steps);
      return true;
    },
    async: false,
  })
  .registerFunction(`${METER.look}(dyn): dyn`, { handler: (value: unknown) => meter.look(value), async: false })
  .registerFunction(`${METER.through}(dyn): dyn`, {
    handler: (value: unknown) => meter.lookThrough(value),
    async: false,
  })
  .registerFunction(`${METER.matches}(string, double): bool`, {
    handler: (text: string, pattern: number) => meter.matches(text, pattern),
    async: false,
  })
  .registerFunction(`${METER.brief}(string): string`, {
    handler: (text: string) => {
      if (text.length > DURATION_LENGTH) throw new Error(`a duration has at most ${DURATION_LENGTH} characters`);
      return text;
    },
    async: false,
  });

const known: ReadonlySet<string> = new Set(['data', 'key', 'attributes', TYPE_ATTRIBUTE, ...NAMED_ATTRIBUTES]);

/** The variables of an expression, taken from the event only when they are asked for. */
class EventVariables extends Map<string, unknown> {
  event: StoredEvent | undefined;

  override get(name: string): unknown {
    const { event } = this;
    if (event === undefined) return undefined;
    switch (name) {
      case 'data':
        return event.data;
      case 'key':
        return event.key;
      case 'attributes':
        return event.attributes;
      case TYPE_ATTRIBUTE:
        return event.attributes.type;
      default:
        return attributeOf(event.attributes, name);
    }
  }
}

const variables = new EventVariables();

/** An expression that may be used. */
export interface CelExpression {
  /** The same for expressions that differ in white space, comments or needless parentheses only. */
  readonly key: string;
  decide(event: StoredEvent): Verdict;
  /** The verdict, and why there is none. */
  find(event: StoredEvent): { verdict: Verdict; problem?: string };
}

/** An expression that cannot be used: the rule it breaks, and where. */
export class CelProblem extends Error {}

/**
 * Compiles an expression over the attributes of an event by name, `attributes`, `key` and `data` (in its JSON form).
 *
 * @throws CelProblem saying what is wrong, and at which line and column
 */
export function compileCel(text: string): CelExpression {
  if (text.length > CEL_LIMITS.length) throw new CelProblem(`must be at most ${CEL_LIMITS.length} characters`);
  if (!text.isWellFormed()) throw new CelProblem('must not have halves of surrogate pairs');
  try {
    const parsed = written.parse(renameType(text, written.parse(text).ast));
    const { valid, type, error } = parsed.check();
    if (!valid) throw error;
    if (type !== 'bool' && type !== 'dyn') throw new CelProblem(`must be true or false, and is of type ${type}`);
    const rewritten = meteredText(parsed.ast, known);
    const run = metered.parse(rewritten.text);
    const recheck = run.check();
    if (!recheck.valid) throw recheck.error;
    return new MeteredExpression(keyOf(rewritten), run, rewritten.patterns);
  } catch (error) {
    throw problemOf(error, text);
  }
}

class MeteredExpression implements CelExpression {
  constructor(
    readonly key: string,
    private readonly run: (variables: Map<string, unknown>) => unknown,
    private readonly patterns: readonly RE2JS[],
  ) {}

  decide(event: StoredEvent): Verdict {
    try {
      const result = this.#evaluate(event);
      return typeof result === 'boolean' && !meter.isSpent ? result : undefined;
    } catch {
      return undefined;
    } finally {
      variables.event = undefined;
    }
  }

  find(event: StoredEvent): { verdict: Verdict; problem?: string } {
    try {
      const result = this.#evaluate(event);
      if (meter.isSpent) return { verdict: undefined, problem: 'it takes too many steps for this event' };
      if (typeof result === 'boolean') return { verdict: result };
      return { verdict: undefined, problem: 'it is neither true nor false' };
    } catch (error) {
      if (meter.isSpent) return { verdict: undefined, problem: 'it takes too many steps for this event' };
      return { verdict: undefined, problem: summaryOf(error) };
    } finally {
      variables.event = undefined;
    }
  }

  #evaluate(event: StoredEvent): unknown {
    meter.begin(this.patterns);
    variables.event = event;
    // A field that is missing is an error to the library, and no news to anybody: its stack would cost most of it.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return this.run(variables);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

function keyOf({ text, patterns }: MeteredText): string {
  return patterns.length === 0 ? text : `${text} ${JSON.stringify(patterns.map((pattern) => pattern.pattern()))}`;
}

/** Every `type` that is a variable, and not the function, is the attribute. */
function renameType(text: string, ast: ASTNode): string {
  let renamed = text;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null && 'op' in value) {
      const node = value as ASTNode;
      if (node.op === 'id' && node.args.startsWith('_')) {
        throw new CelRefusal(`has no ${node.args}: names do not begin with _`, node.start);
      }
      if (node.op === 'id' && node.args === 'type') {
        renamed = renamed.slice(0, node.start) + TYPE_ATTRIBUTE + renamed.slice(node.end);
      }
      visit(node.args);
    }
  };
  visit(ast);
  return renamed;
}

function problemOf(error: unknown, text: string): CelProblem {
  if (error instanceof CelProblem) return error;
  if (error instanceof CelRefusal) return new CelProblem(`${error.rule} (${placeOf(text, error.at)})`);
  const at = error instanceof ParseError || error instanceof CelTypeError ? error.range?.start : undefined;
  const place = at === undefined ? '' : ` (${placeOf(text, at)})`;
  return new CelProblem(`is no CEL expression: ${summaryOf(error)}${place}`, { cause: error });
}

function summaryOf(error: unknown): string {
  if (error instanceof EvaluationError && error.code === 'unknown_variable') {
    return `the event has no ${error.summary.split(' ').at(-1)}`;
  }
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)
    return error.summary;
  return error instanceof Error ? error.message : 'it failed';
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}
