import { sql } from 'kysely';
import { type Sql, boundOf, columnOf, orderedOf, storedText } from './columns.js';
import { type Compiled, flag } from './compiled.js';
import { type EdmKind, type EdmType, kindOf } from './edm.js';
import { type Expression, type Operator, printExpression } from './filter.js';
import { CALLS } from './filter-calls.js';
import { typeOperation } from './filter-types.js';
import { type EntityModel, type ServiceModel, own } from './model.js';
import { joinOf } from './navigation-join.js';
import { quoted, refusal } from './refusal.js';

const COMPARISONS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;
const SIGNS = { add: '+', sub: '-', mul: '*' } as const;
const MAX_WAYS = 3;

/**
 * Compiles expressions about entities of a set to SQL. Names are looked up in the model, values are bound: nothing that
 * a client wrote becomes text of a statement. Whatever cannot be compared, or is none of the functions, is refused.
 */
export class FilterSql<S> {
  #aliases = 0;

  constructor(
    private readonly service: ServiceModel<S>,
    private readonly field: string,
  ) {}

  /** A condition. @throws HeddleError `parameter-invalid` for an expression that is neither true nor false */
  condition(expression: Expression, entity: EntityModel<S>, alias: string): Sql {
    const compiled = this.compile(expression, entity, alias);
    if (compiled.kind !== 'flag') throw this.#wrong(expression, 'is neither true nor false');
    return compiled.sql;
  }

  compile(expression: Expression, entity: EntityModel<S>, alias: string): Compiled {
    switch (expression.kind) {
      case 'literal': {
        const { type, value } = expression.literal;
        if (type === 'null' || value === null) return { kind: 'null', type: 'null', sql: sql`null` };
        return { kind: kindOf(type), type, sql: boundOf(type, value), literal: value };
      }
      case 'path':
        return this.#path(expression.path, entity, alias);
      case 'call':
        return this.#call(expression, entity, alias);
      case 'not': {
        const operand = this.compile(expression.operand, entity, alias);
        this.#must(operand, 'flag', expression.operand);
        return { kind: 'flag', type: 'Edm.Boolean', sql: sql`(not ${certain(operand.sql)})` };
      }
      case 'minus': {
        const operand = this.compile(expression.operand, entity, alias);
        this.#must(operand, 'number', expression.operand);
        return {
          kind: 'number',
          type: isWhole(operand) ? 'Edm.Int64' : 'Edm.Decimal',
          sql: sql`(- ${operand.sql}::numeric)`,
        };
      }
      case 'binary':
        return this.#binary(expression, entity, alias);
    }
  }

  #binary(expression: Extract<Expression, { kind: 'binary' }>, entity: EntityModel<S>, alias: string): Compiled {
    const { operator } = expression;
    const left = this.compile(expression.left, entity, alias);
    const right = this.compile(expression.right, entity, alias);
    if (operator === 'and' || operator === 'or') {
      this.#must(left, 'flag', expression.left);
      this.#must(right, 'flag', expression.right);
      return flag(operator === 'and' ? sql`(${left.sql} and ${right.sql})` : sql`(${left.sql} or ${right.sql})`);
    }
    if (own(COMPARISONS, operator) !== undefined) {
      return this.#comparison(operator as keyof typeof COMPARISONS, left, right, expression);
    }
    this.#must(left, 'number', expression.left);
    this.#must(right, 'number', expression.right);
    return arithmetic(operator, left, right);
  }

  #comparison(operator: keyof typeof COMPARISONS, left: Compiled, right: Compiled, expression: Expression): Compiled {
    if (left.kind === 'null' || right.kind === 'null') {
      const other = left.kind === 'null' ? right : left;
      // Nothing is smaller or greater than null, nor as great.
      if (operator === 'eq') return flag(sql`(${other.sql} is null)`);
      return operator === 'ne' ? flag(sql`(${other.sql} is not null)`) : flag(sql`false`);
    }
    if (left.kind !== right.kind) {
      throw this.#wrong(expression, `compares ${nameOf(left)} with ${nameOf(right)}`);
    }
    const [one, other] = [storedAs(left, right), storedAs(right, left)];
    const sign = sql.raw(COMPARISONS[operator]);
    if (operator === 'eq' && left.kind !== 'flag') {
      const isLiteral = one.literal !== undefined || other.literal !== undefined;
      // Two that are null are equal; what is null is no literal, and only this form is found by an index.
      return flag(isLiteral ? sql`(${one.sql} = ${other.sql})` : sql`(${one.sql} is not distinct from ${other.sql})`);
    }
    // What is null is none of the others.
    if (operator === 'ne') return flag(sql`(${certainly(one)} is distinct from ${certainly(other)})`);
    if (operator === 'eq') return flag(sql`(${certainly(one)} = ${certainly(other)})`);
    const property = one.property ?? other.property;
    const type = one.type as EdmType;
    return flag(sql`(${orderedOf(type, one.sql, property)} ${sign} ${orderedOf(type, other.sql, property)})`);
  }

  #call(expression: Extract<Expression, { kind: 'call' }>, entity: EntityModel<S>, alias: string): Compiled {
    const { service, field } = this;
    const compile = (operand: Expression): Compiled => this.compile(operand, entity, alias);
    const operation = typeOperation(expression, { service, entity, field, compile });
    if (operation !== undefined) return operation;
    const call = own(CALLS, expression.name);
    if (call === undefined) {
      const names = [...Object.keys(CALLS), 'isof', 'cast'].join(', ');
      throw refusal(field, `${quoted(expression.name)} is no function; there are ${names}`);
    }
    const args = expression.args.map((arg) => this.compile(arg, entity, alias));
    const { takes, least = takes.length, of } = call;
    if (args.length < least || args.length > takes.length) {
      throw refusal(
        this.field,
        `${expression.name} takes ${least === takes.length ? '' : `${least} to `}${takes.length} operands`,
      );
    }
    for (const [index, arg] of args.entries()) {
      const kinds = takes[index]!;
      if (!kinds.includes(arg.kind as EdmKind)) {
        throw this.#wrong(
          expression.args[index]!,
          `is ${nameOf(arg)}, and ${expression.name} takes ${kinds.join(' or ')}`,
        );
      }
    }
    if (call.isGrowing === true && expression.args.some((arg) => hasGrowing(arg))) {
      throw refusal(
        this.field,
        `${expression.name} does not stand within ${expression.name}: texts would grow without bound`,
      );
    }
    const { type, sql: result } = of(
      args.map((arg) => arg.sql),
      args.map((arg) => arg.kind as EdmKind),
    );
    return { kind: kindOf(type), type, sql: result };
  }

  /** A property, over ways to one other entity each: a condition about many would say neither all nor any of them. */
  #path(path: readonly string[], entity: EntityModel<S>, alias: string): Compiled {
    const [first = '', ...rest] = path;
    if (rest.length === 0) {
      const property = own(entity.properties, first);
      if (property === undefined) throw refusal(this.field, `${quoted(first)} is no property of ${entity.name}`);
      const { type } = property;
      return { kind: kindOf(type), type, sql: columnOf(entity, first, alias), property };
    }
    const navigation = own(entity.navigations, first);
    if (navigation === undefined) throw refusal(this.field, `${quoted(first)} leads nowhere from ${entity.name}`);
    if (navigation.many) throw refusal(this.field, `${first} leads to many, and conditions go along single ones only`);
    if (path.length > MAX_WAYS)
      throw refusal(this.field, `${quoted(path.join('/'))} goes more than ${MAX_WAYS - 1} ways`);
    this.#aliases += 1;
    const next = `n${this.#aliases}`;
    const target = this.service.entities[navigation.to]!;
    const inner = this.#path(rest, target, next);
    const found = sql`(select ${inner.sql} from ${sql.id(target.view)} as ${sql.id(next)} where ${joinOf(navigation, entity, alias, target, next)} limit 1)`;
    return { ...inner, sql: found };
  }

  #must({ kind }: Compiled, wanted: EdmKind, expression: Expression): void {
    if (kind !== wanted) throw this.#wrong(expression, `is no ${wanted === 'flag' ? 'condition' : wanted}`);
  }

  #wrong(expression: Expression, what: string): Error {
    return refusal(this.field, `${quoted(printExpression(expression))} ${what}`);
  }
}

/** True or false, where SQL knows a third one. */
function certain(condition: Sql): Sql {
  return sql`coalesce(${condition}, false)`;
}

/** A flag that is null is another one than true and than false; what a condition leaves open is false. */
function certainly({ kind, property, sql: value }: Compiled): Sql {
  return kind === 'flag' && property === undefined ? certain(value) : value;
}

function arithmetic(operator: Operator, left: Compiled, right: Compiled): Compiled {
  const [a, b] = [sql`${left.sql}::numeric`, sql`${right.sql}::numeric`];
  const areWhole = isWhole(left) && isWhole(right);
  const type = areWhole ? 'Edm.Int64' : 'Edm.Decimal';
  const sign = own(SIGNS, operator);
  if (sign !== undefined) return { kind: 'number', type, sql: sql`(${a} ${sql.raw(sign)} ${b})` };
  // By zero there is no result, and no error of the database either.
  const divisor = sql`nullif(${b}, 0)`;
  if (operator === 'mod') return { kind: 'number', type, sql: sql`mod(${a}, ${divisor})` };
  return { kind: 'number', type, sql: areWhole ? sql`div(${a}, ${divisor})` : sql`(${a} / ${divisor})` };
}

/** A literal that is compared with a number that is a name: under that name it is stored without zeros in front. */
function storedAs(one: Compiled, other: Compiled): Compiled {
  if (typeof one.literal !== 'string' || other.property?.isNumber !== true) return one;
  return { ...one, sql: boundOf('Edm.String', storedText(other.property, one.literal)) };
}

function isWhole({ type }: Compiled): boolean {
  return type === 'Edm.Int32' || type === 'Edm.Int64';
}

function nameOf({ type }: Compiled): string {
  return type === 'null' ? 'null' : type;
}

function hasGrowing(expression: Expression): boolean {
  switch (expression.kind) {
    case 'call':
      return own(CALLS, expression.name)?.isGrowing === true || expression.args.some(hasGrowing);
    case 'binary':
      return hasGrowing(expression.left) || hasGrowing(expression.right);
    case 'not':
    case 'minus':
      return hasGrowing(expression.operand);
    default:
      return false;
  }
}
