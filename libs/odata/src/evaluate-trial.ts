import type { Expression, Operator } from './filter.js';
import type { TrialOrder } from './model-trial.js';

/*
 * What filters mean, said once more, and in memory: what the database finds is held to this. Numbers are small and whole
 * here, so that they are exact; instants are milliseconds.
 */

type Value = string | number | boolean | null;

const MS: Readonly<Record<string, true>> = { Day: true, At: true };

/** Whether an order fits a filter. */
export function fits(filter: Expression, order: TrialOrder): boolean {
  return valueOf(filter, order) === true;
}

function valueOf(expression: Expression, order: TrialOrder): Value {
  switch (expression.kind) {
    case 'literal':
      return exact(expression.literal.type, expression.literal.value);
    case 'path':
      return propertyOf(expression.path, order);
    case 'call':
      return called(
        expression.name,
        expression.args.map((arg) => valueOf(arg, order)),
      );
    case 'not':
      return valueOf(expression.operand, order) !== true;
    case 'minus': {
      const value = valueOf(expression.operand, order);
      return value === null ? null : -Number(value);
    }
    case 'binary': {
      const { operator } = expression;
      const [left, right] = [valueOf(expression.left, order), valueOf(expression.right, order)];
      return binary(operator, left, right);
    }
  }
}

function exact(type: string, value: Value): Value {
  return type === 'Edm.Int64' || type === 'Edm.Decimal' ? Number(value) : value;
}

function propertyOf(path: readonly string[], order: TrialOrder): Value {
  if (path[0] === 'to_Buyer') return order.to_Buyer?.Name ?? null;
  const name = path[0] as Exclude<keyof TrialOrder, 'to_Item' | 'to_Buyer'>;
  const value = order[name];
  if (value === null) return null;
  if (MS[name] === true) return Date.parse(String(value));
  return name === 'Amount' || name === 'Big' ? Number(value) : value;
}

function binary(operator: Operator, left: Value, right: Value): Value {
  if (operator === 'and') return left === true && right === true;
  if (operator === 'or') return left === true || right === true;
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (left === null || right === null) return ['lt', 'le', 'gt', 'ge'].includes(operator) ? false : null;
  switch (operator) {
    case 'lt':
      return ordered(left, right) < 0;
    case 'le':
      return ordered(left, right) <= 0;
    case 'gt':
      return ordered(left, right) > 0;
    case 'ge':
      return ordered(left, right) >= 0;
    case 'add':
      return Number(left) + Number(right);
    case 'sub':
      return Number(left) - Number(right);
    case 'mul':
      return Number(left) * Number(right);
    case 'div':
      return right === 0 ? null : Math.trunc(Number(left) / Number(right));
    default:
      return right === 0 ? null : zero(Number(left) % Number(right));
  }
}

/** Texts by their characters, as UTF-8 orders them. */
function ordered(left: NonNullable<Value>, right: NonNullable<Value>): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(String(right)));
  return Number(left) - Number(right);
}

function called(name: string, args: readonly Value[]): Value {
  // What a condition leaves open is false.
  if (args.includes(null)) return ['substringof', 'startswith', 'endswith'].includes(name) ? false : null;
  const [one = '', other = '', third] = args.map((arg) => (typeof arg === 'string' ? Array.from(arg) : arg)) as (
    string[] | number
  )[];
  const [a, b] = [String(args[0]), String(args[1])];
  const at = Number(args[0]);
  switch (name) {
    case 'substringof':
      return b.includes(a);
    case 'startswith':
      return a.startsWith(b);
    case 'endswith':
      return a.endsWith(b);
    case 'length':
      return (one as string[]).length;
    case 'indexof':
      return a.includes(b) ? Array.from(a.slice(0, a.indexOf(b))).length : -1;
    case 'substring': {
      const from = Math.max(0, Number(other));
      return (one as string[])
        .slice(from, third === undefined ? undefined : from + Math.max(0, Number(third)))
        .join('');
    }
    case 'replace':
      return b === '' ? a : a.replaceAll(b, String(args[2]).replaceAll('$', '$$$$'));
    case 'tolower':
      return a.toLowerCase();
    case 'toupper':
      return a.toUpperCase();
    case 'trim':
      return a.replaceAll(/^ +| +$/g, '');
    case 'concat':
      return a + b;
    case 'year':
      return new Date(at).getUTCFullYear();
    case 'month':
      return new Date(at).getUTCMonth() + 1;
    case 'day':
      return new Date(at).getUTCDate();
    case 'hour':
      return new Date(at).getUTCHours();
    case 'minute':
      return new Date(at).getUTCMinutes();
    case 'second':
      return new Date(at).getUTCSeconds();
    case 'round':
    case 'floor':
    case 'ceiling':
      return at;
    default:
      throw new Error(`${name} is not said here.`);
  }
}

/** Of a negative number, JavaScript may leave a zero that is negative. */
function zero(value: number): number {
  return value === 0 ? 0 : value;
}
