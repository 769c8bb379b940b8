import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS, RE2JSSyntaxException } from 're2js';

/** An expression written anew, with a payment before all that may cost more than a glance. */
export interface MeteredText {
  text: string;
  /** The patterns of its `matches`, by the number that stands in the text in their place. */
  patterns: readonly RE2JS[];
}

/** What a node of the expression may not be, and where in the expression it stands. */
export class CelRefusal extends Error {
  constructor(
    readonly rule: string,
    readonly at: number,
  ) {
    super(rule);
  }
}

/** Instructions of the largest pattern; compiling one and matching with it grow with them. */
const PATTERN_INSTRUCTIONS = 500;

/** What a round of a loop costs beside its nodes; as much as an error that it may end in, which takes 2 µs. */
const ROUND_STEPS = 10;

type NodeOf<Op extends ASTNode['op']> = Extract<ASTNode, { op: Op }>;

/** How tightly operators bind, as the library's parser has it. */
const PRECEDENCE: Partial<Record<ASTNode['op'], number>> = {
  '?:': 1,
  '||': 2,
  '&&': 3,
  '==': 4,
  '!=': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  in: 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
  '%': 7,
  '!_': 8,
  '-_': 8,
};
const TERNARY = 1;
const UNARY = 8;
const POSTFIX = 9;
const ATOM = 10;

const LOOPS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
/** Their work ends where their argument does. */
const GLANCES = new Set(['startsWith', 'endsWith']);
/** In the time zone of an argument they take 50 µs and more; without one they answer in UTC. */
const CALENDAR = /^get[A-Z]/;
const TYPE_NAMES = new Set(['string', 'bool', 'int', 'uint', 'double', 'map', 'list', 'bytes', 'null_type', 'google']);
const ATTRIBUTE_NAME = /^[a-z0-9]{1,64}$/;

/** In CEL `type` is a type; as an attribute it gets another name of the same length, so that positions stay true. */
export const TYPE_ATTRIBUTE = '_typ';

/** The names under which the meter stands in the text. */
export const METER = {
  go: '_go',
  spend: '_spend',
  look: '_look',
  through: '_through',
  matches: '_matches',
  brief: '_brief',
} as const;

/**
 * Writes an expression anew so that it pays for what it does: the library neither counts steps nor can be stopped,
 * and its own way back to text loses parentheses (`a - (b - c)`).
 *
 * @param known variables that are there for every event, or are attributes
 * @throws CelRefusal for what no price can be put on
 */
export function meteredText(ast: ASTNode, known: ReadonlySet<string>): MeteredText {
  const patterns: RE2JS[] = [];
  return { text: new MeteredWriter(known, patterns).write(ast, TERNARY), patterns };
}

class MeteredWriter {
  #loopVariables: string[] = [];

  constructor(
    private readonly known: ReadonlySet<string>,
    private readonly patterns: RE2JS[],
  ) {}

  /** The text of a node, in parentheses if it binds less tightly than its place asks for. */
  write(node: ASTNode, least: number): string {
    const text = this.#text(node);
    return (PRECEDENCE[node.op] ?? ATOM) < least ? `(${text})` : text;
  }

  #text(node: ASTNode): string {
    switch (node.op) {
      case 'value':
        return literal(node.args);
      case 'id':
        return this.#name(node);
      case '.':
        return `${this.write(node.args[0], POSTFIX)}.${node.args[1]}`;
      case '[]':
        return `${this.write(node.args[0], POSTFIX)}[${this.write(node.args[1], TERNARY)}]`;
      case 'list':
        return `[${this.#list(node.args)}]`;
      case 'map':
        return `{${node.args.map(([key, value]) => `${this.write(key, TERNARY)}: ${this.write(value, TERNARY)}`).join(', ')}}`;
      case 'call':
        return this.#call(node);
      case 'rcall':
        return this.#method(node);
      case '!_':
        return `!${this.write(node.args, UNARY)}`;
      case '-_':
        return `-${this.write(node.args, UNARY)}`;
      case '?:': {
        const [condition, yes, no] = node.args;
        return `${this.write(condition, TERNARY + 1)} ? ${this.write(yes, TERNARY)} : ${this.write(no, TERNARY)}`;
      }
      case '.?':
      case '[?]':
        throw new CelRefusal('has no optional fields; write has(…)', node.start);
      default:
        return this.#binary(node);
    }
  }

  #name(node: NodeOf<'id'>): string {
    const name = node.args;
    if (this.#loopVariables.includes(name) || this.known.has(name) || TYPE_NAMES.has(name)) return name;
    if (ATTRIBUTE_NAME.test(name)) return name;
    throw new CelRefusal(
      `has no variable ${name}: attributes are named with a-z and 0-9, data fields as data.${name}`,
      node.start,
    );
  }

  #binary(
    node: Exclude<
      ASTNode,
      NodeOf<'value' | 'id' | '.' | '.?' | '[]' | '[?]' | 'call' | 'rcall' | 'list' | 'map' | '?:' | '!_' | '-_'>
    >,
  ): string {
    const { op } = node;
    const [left, right] = node.args;
    const own = PRECEDENCE[op]!;
    const plain = (): string => `${this.write(left, own)} ${op} ${this.write(right, own + 1)}`;
    const paid = (price: string): string =>
      `${this.#paid(left, price, own)} ${op} ${this.#paid(right, price, own + 1)}`;
    if (op === '+') return paid(METER.look);
    if (op === 'in')
      return `${this.write(left, own)} in ${right.op === 'list' ? this.write(right, own + 1) : this.#paid(right, METER.through, own + 1)}`;
    if (op === '==' || op === '!=' || op.startsWith('<') || op.startsWith('>')) {
      return this.#isShort(left) || this.#isShort(right) ? plain() : paid(METER.through);
    }
    return plain();
  }

  #call(node: NodeOf<'call'>): string {
    const [name, args] = node.args;
    refuseOwn(name, node.start);
    // What is asked for with has() must stay a path.
    if (name === 'has') return `has(${this.#list(args)})`;
    // The library's parser of durations takes time cubic in the length of digits without a unit.
    const price = name === 'duration' ? METER.brief : METER.look;
    return `${name}(${args.map((arg) => (name === 'duration' ? `${price}(${this.write(arg, TERNARY)})` : this.#paid(arg, price, TERNARY))).join(', ')})`;
  }

  #method(node: NodeOf<'rcall'>): string {
    const [name, receiver, args] = node.args;
    refuseOwn(name, node.start);
    if (LOOPS.has(name) && args[0]?.op === 'id') return this.#loop(node, args[0].args);
    if (name === 'matches') return this.#matches(node);
    if (name === 'bind') throw new CelRefusal('has no cel.bind', node.start);
    if (name === 'json') throw new CelRefusal('has no json()', node.start);
    if (CALENDAR.test(name) && args.length > 0)
      throw new CelRefusal(`takes times in UTC: ${name} has no time zone`, node.start);
    const brief = GLANCES.has(name) && args.every((arg) => this.#isShort(arg));
    const price = name === 'join' ? METER.through : METER.look;
    const owner = brief ? this.write(receiver, POSTFIX) : this.#paid(receiver, price, POSTFIX);
    return `${owner}.${name}(${args.map((arg) => this.#paid(arg, METER.look, TERNARY)).join(', ')})`;
  }

  /**
   * Every round of a loop pays for its nodes first. Errors do not end `all` and `exists`, which go on to the next
   * element; a result does, so that they get one when nothing is left.
   */
  #loop(node: NodeOf<'rcall'>, variable: string): string {
    const [name, receiver, [, ...steps]] = node.args;
    if (variable === TYPE_ATTRIBUTE) throw new CelRefusal('calls an element type, which is an attribute', node.start);
    const range = this.#paid(receiver, METER.look, POSTFIX);
    this.#loopVariables.push(variable);
    const price = `${steps.reduce((sum, step) => sum + nodesOf(step), ROUND_STEPS)}.0`;
    const [first, second] = steps.map((step) => `(${this.write(step, TERNARY)})`);
    this.#loopVariables.pop();
    const begin = `${range}.${name}(${variable}, `;
    if (name === 'all') return `${begin}${METER.go}(${price}) && ${first})`;
    if (name === 'exists') return `${begin}!${METER.go}(${price}) || ${first})`;
    if (name === 'map' && second === undefined) return `${begin}${METER.spend}(${price}), ${first})`;
    const condition = `${METER.spend}(${price}) ? ${first} : false`;
    return second === undefined ? `${begin}${condition})` : `${begin}${condition}, ${second})`;
  }

  #matches(node: NodeOf<'rcall'>): string {
    const [, receiver, [pattern]] = node.args;
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') {
      throw new CelRefusal('takes only a pattern that is written out, as text.matches("^4[0-9]+$")', node.start);
    }
    this.patterns.push(compilePattern(pattern.args, pattern.start));
    return `${METER.matches}(${this.write(receiver, TERNARY)}, ${this.patterns.length - 1}.0)`;
  }

  #paid(node: ASTNode, price: string, least: number): string {
    return this.#isShort(node) ? this.write(node, least) : `${price}(${this.write(node, TERNARY)})`;
  }

  /** Whether a value is known to be small: written out, or an attribute, of which events have few and short ones. */
  #isShort(node: ASTNode): boolean {
    if (node.op === 'value') return true;
    if (node.op === '.')
      return node.args[0].op === 'id' && node.args[0].args === 'attributes' && this.#isShort(node.args[0]);
    return node.op === 'id' && node.args !== 'data' && !this.#loopVariables.includes(node.args);
  }

  #list(nodes: readonly ASTNode[]): string {
    return nodes.map((node) => this.write(node, TERNARY)).join(', ');
  }
}

function refuseOwn(name: string, at: number): void {
  if (name.startsWith('_')) throw new CelRefusal(`has no ${name}: names do not begin with _`, at);
}

function compilePattern(pattern: string, at: number): RE2JS {
  try {
    const compiled = RE2JS.compile(pattern);
    if (compiled.programSize() <= PATTERN_INSTRUCTIONS) return compiled;
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new CelRefusal(`has a pattern that RE2 does not take: ${error.message}`, at);
  }
  throw new CelRefusal('has a pattern that is too large, for its repetitions', at);
}

function nodesOf(node: ASTNode): number {
  switch (node.op) {
    case 'value':
    case 'id':
      return 1;
    case '.':
    case '.?':
      return 1 + nodesOf(node.args[0]);
    case '!_':
    case '-_':
      return 1 + nodesOf(node.args);
    case 'call':
      return sumOf(node.args[1]);
    case 'rcall':
      return nodesOf(node.args[1]) + sumOf(node.args[2]);
    case 'map':
      return sumOf(node.args.flat());
    default:
      return sumOf(node.args);
  }
}

function sumOf(nodes: readonly ASTNode[]): number {
  return nodes.reduce((sum, node) => sum + nodesOf(node), 1);
}

function literal(value: NodeOf<'value'>['args']): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return /[.e]/.test(String(value)) ? String(value) : `${value}.0`;
  if (value instanceof Uint8Array) {
    return `b"${Array.from(value, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
  }
  return typeof value === 'object' && value !== null ? `${value.toString()}u` : String(value);
}
