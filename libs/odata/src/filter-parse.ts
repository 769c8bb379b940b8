import { type Expression, OPERATORS, type Operator } from './filter.js';
import { scanLiteral } from './literal.js';
import { own } from './model.js';
import { quoted, refusal, tooComplex } from './refusal.js';

const SPACE = /\s+/y;
const NAME = /[A-Za-z_]\w{0,127}/y;
/** With a name of one operator in front of a space or a bracket. */
const OPERATOR = /(or|and|eq|ne|lt|le|gt|ge|add|sub|mul|div|mod)(?=[\s(])/y;
const DIRECTION = /(asc|desc)(?!\w)/y;
const MAX_NODES = 1000;
const MAX_DEPTH = 40;

/** One expression of `$orderby`. */
export interface OrderTerm {
  expression: Expression;
  isDescending: boolean;
}

/** @throws HeddleError `parameter-invalid` with the place of what is wrong, `too-complex` */
export function parseFilter(text: string): Expression {
  const parser = new Parser(text, '$filter');
  const expression = parser.expression(0);
  parser.mustEnd();
  return expression;
}

const MAX_TERMS = 8;

/** @throws HeddleError as {@link parseFilter} */
export function parseOrderBy(text: string): OrderTerm[] {
  const parser = new Parser(text, '$orderby');
  const terms: OrderTerm[] = [];
  do {
    const expression = parser.expression(0);
    terms.push({ expression, isDescending: parser.take(DIRECTION) === 'desc' });
  } while (parser.takeText(','));
  parser.mustEnd();
  if (terms.length > MAX_TERMS) throw tooComplex('$orderby', `may have ${MAX_TERMS} parts at most`);
  return terms;
}

/** Reads from left to right, and looks back nowhere: its time is that of the text's length. */
class Parser {
  #at = 0;
  #nodes = 0;
  #depth = 0;

  constructor(
    private readonly text: string,
    private readonly field: string,
  ) {}

  /** What binds at least so tightly. */
  expression(least: number): Expression {
    let left = this.#operand();
    for (;;) {
      this.#skip();
      const operator = this.#peekOperator();
      if (operator === undefined || OPERATORS[operator] < least) return left;
      this.#at += operator.length;
      const right = this.#nested(() => this.expression(OPERATORS[operator] + 1));
      left = this.#node({ kind: 'binary', operator, left, right });
    }
  }

  take(pattern: RegExp): string | undefined {
    this.#skip();
    const found = this.#match(pattern);
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  takeText(text: string): boolean {
    this.#skip();
    if (!this.text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  mustEnd(): void {
    this.#skip();
    if (this.#at < this.text.length) throw this.#wrong('an operator or the end');
  }

  #operand(): Expression {
    this.#skip();
    const found = scanLiteral(this.text, this.#at, this.field);
    if (found !== undefined) {
      this.#at = found.end;
      return this.#node({ kind: 'literal', literal: found.literal });
    }
    if (this.takeText('(')) {
      const inner = this.#nested(() => this.expression(0));
      this.#mustTake(')');
      return inner;
    }
    if (this.takeText('-')) {
      const operand = this.#nested(() => this.#operand());
      return this.#node({ kind: 'minus', operand });
    }
    const name = this.take(NAME);
    if (name === undefined) throw this.#wrong('a property, a literal, a function or an opening bracket');
    if (name === 'not' && !this.text.startsWith('/', this.#at)) {
      const operand = this.#nested(() => this.#operand());
      return this.#node({ kind: 'not', operand });
    }
    if (this.takeText('(')) return this.#call(name);
    return this.#path(name);
  }

  #call(name: string): Expression {
    const args: Expression[] = [];
    if (!this.takeText(')')) {
      do args.push(this.#nested(() => this.expression(0)));
      while (this.takeText(','));
      this.#mustTake(')');
    }
    return this.#node({ kind: 'call', name, args });
  }

  #path(first: string): Expression {
    const path = [first];
    while (this.text.startsWith('/', this.#at)) {
      this.#at += 1;
      const next = this.#match(NAME);
      if (next === undefined) throw this.#wrong('the name of a property');
      this.#at += next.length;
      path.push(next);
    }
    return this.#node({ kind: 'path', path });
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw tooComplex(this.field, `may be nested ${MAX_DEPTH} deep at most`);
    const result = read();
    this.#depth -= 1;
    return result;
  }

  #node(expression: Expression): Expression {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw tooComplex(this.field, `may have ${MAX_NODES} operands and operators at most`);
    return expression;
  }

  #peekOperator(): Operator | undefined {
    const found = this.#match(OPERATOR);
    return found !== undefined && own(OPERATORS, found) !== undefined ? (found as Operator) : undefined;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text)?.[0];
  }

  #skip(): void {
    const found = this.#match(SPACE);
    if (found !== undefined) this.#at += found.length;
  }

  #mustTake(text: string): void {
    if (!this.takeText(text)) throw this.#wrong(quoted(text));
  }

  #wrong(wanted: string): Error {
    const rest = this.text.slice(this.#at);
    const found = rest === '' ? 'it ends' : `there is ${quoted(rest)}`;
    return refusal(this.field, `${wanted} is wanted at character ${this.#at + 1}, and ${found}`);
  }
}
