import { type Literal, printLiteral } from './literal.js';

/** Operators of two operands; a higher number binds tighter (OData URI conventions 2.0 §4.5). */
export const OPERATORS = {
  or: 1,
  and: 2,
  eq: 3,
  ne: 3,
  lt: 4,
  le: 4,
  gt: 4,
  ge: 4,
  add: 5,
  sub: 5,
  mul: 6,
  div: 6,
  mod: 6,
} as const;

export type Operator = keyof typeof OPERATORS;

/** An expression of `$filter` or `$orderby`. */
export type Expression =
  | { kind: 'literal'; literal: Literal }
  /** A property, with the ways to it: `to_Customer/CustomerName`. */
  | { kind: 'path'; path: readonly string[] }
  | { kind: 'call'; name: string; args: readonly Expression[] }
  | { kind: 'not' | 'minus'; operand: Expression }
  | { kind: 'binary'; operator: Operator; left: Expression; right: Expression };

/** An expression as a text that reads as the same expression. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return printLiteral(expression.literal);
    case 'path':
      return expression.path.join('/');
    case 'call':
      return `${expression.name}(${expression.args.map(printExpression).join(',')})`;
    case 'not':
      return `not ${inBrackets(expression.operand)}`;
    case 'minus':
      // A minus before a number would be part of the number.
      return `-(${printExpression(expression.operand)})`;
    case 'binary': {
      const { operator, left, right } = expression;
      return `${side(left, OPERATORS[operator])} ${operator} ${side(right, OPERATORS[operator] + 1)}`;
    }
  }
}

/** Operators of one strength are read from left to right. */
function side(operand: Expression, least: number): string {
  const isLoose = operand.kind === 'binary' && OPERATORS[operand.operator] < least;
  return isLoose ? `(${printExpression(operand)})` : printExpression(operand);
}

function inBrackets(operand: Expression): string {
  return operand.kind === 'binary' ? `(${printExpression(operand)})` : printExpression(operand);
}
