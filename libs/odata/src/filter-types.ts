import { sql } from 'kysely';
import type { Sql } from './columns.js';
import { type Compiled, flag } from './compiled.js';
import { EDM_TYPES, type EdmKind, type EdmType, kindOf } from './edm.js';
import type { Expression } from './filter.js';
import { type EntityModel, type ServiceModel, own } from './model.js';
import { quoted, refusal } from './refusal.js';

/** What of a type operation is compiled by whoever compiles everything else. */
interface Ground<S> {
  service: ServiceModel<S>;
  entity: EntityModel<S>;
  field: string;
  compile(expression: Expression): Compiled;
}

type Call = Extract<Expression, { kind: 'call' }>;

/** Types of V2 that nothing here is of. */
const OTHERS = new Set(['Edm.Binary', 'Edm.Byte', 'Edm.SByte', 'Edm.Int16', 'Edm.Single']);

/** The operations of V2 that name a type in quotes (URI conventions 2.0 §4.5.1): nothing for other calls. */
export function typeOperation<S>(call: Call, ground: Ground<S>): Compiled | undefined {
  if (call.name === 'isof') return isOf(call, ground);
  return call.name === 'cast' ? castOf(call, ground) : undefined;
}

/** Whether an entity, or a value, is of a type; what is null is of none. Every entity is of its own type alone. */
function isOf<S>({ args }: Call, ground: Ground<S>): Compiled {
  const { service, entity, field, compile } = ground;
  if (args.length < 1 || args.length > 2) throw refusal(field, 'isof takes 1 to 2 operands');
  const name = typeNameOf(args.at(-1)!, 'isof', field);
  if (args.length === 1) {
    const isKnown = Object.values(service.entities).some((one) => nameOf(service, one) === name);
    if (!isKnown) throw refusal(field, `${quoted(name)} is no type of entities here`);
    return flag(nameOf(service, entity) === name ? sql`true` : sql`false`);
  }
  if (own(EDM_TYPES, name) === undefined && !OTHERS.has(name)) throw refusal(field, `${quoted(name)} is no type`);
  const { type, sql: value } = compile(args[0]!);
  return flag(type === name ? sql`(${value} is not null)` : sql`false`);
}

function castOf<S>({ args }: Call, { field, compile }: Ground<S>): Compiled {
  if (args.length !== 2) throw refusal(field, 'cast takes 2 operands: a value and the type in quotes');
  const name = typeNameOf(args[1]!, 'cast', field);
  if (own(EDM_TYPES, name) === undefined) {
    throw refusal(field, `${quoted(name)} is no type to cast to; there are ${Object.keys(EDM_TYPES).join(', ')}`);
  }
  const type = name as EdmType;
  const value = compile(args[0]!);
  const kind = kindOf(type);
  if (value.kind === 'null') return { kind, type, sql: sql`null` };
  if (value.type === type) return value;
  const cast = CASTS[`${value.kind} ${kind}`];
  if (cast === undefined) throw refusal(field, `cast makes no ${type} of ${value.type}`);
  return { kind, type, sql: cast(value.sql, type) };
}

const isoPattern = sql.raw(`'YYYY-MM-DD"T"HH24:MI:SS'`);
const fractionPattern = sql.raw(`'.MS'`);

/** As `$value` writes it; milliseconds only where there are some. */
function isoTextOf(value: Sql): Sql {
  const fraction = sql`case when date_trunc('second', x) = x then '' else to_char(x, ${fractionPattern}) end`;
  return sql`(select to_char(x, ${isoPattern}) || ${fraction} from (select ${value} as x) as moment)`;
}

const inUtc = (value: Sql): Sql => sql`(${value} at time zone 'UTC')`;

/** By what is cast, and to what. What cannot be one of the wanted type is null; days out of texts there are none. */
const CASTS: Partial<Record<`${EdmKind} ${EdmKind}`, (value: Sql, type: EdmType) => Sql>> = {
  'number number': bounded,
  'number text': (value) => sql`trim_scale(${value}::numeric)::text`,
  'flag text': (value) => sql`${value}::text`,
  'Guid text': (value) => sql`${value}::text`,
  'DateTime text': isoTextOf,
  'DateTimeOffset text': (value) => sql`(${isoTextOf(inUtc(value))} || 'Z')`,
  'DateTime DateTimeOffset': inUtc,
  'DateTimeOffset DateTime': inUtc,
  'text number': (value, type) => bounded(sql`${fitting(value, '^-?\\d{1,40}(\\.\\d{1,40})?$')}::numeric`, type),
  'text flag': (value) => sql`${fitting(value, '^(true|false)$')}::boolean`,
  'text Guid': (value) => sql`${fitting(value, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')}::uuid`,
};

/** A text where it has a form, else null. */
function fitting(value: Sql, form: string): Sql {
  return sql`(select case when x ~ ${form}::text then x end from (select ${value} as x) as written)`;
}

const LIMITS: Partial<Record<EdmType, string>> = { 'Edm.Int32': '2147483648', 'Edm.Int64': '9223372036854775808' };

/** Whole types cut off what is behind the point; a number that is too large for one is null. */
function bounded(value: Sql, type: EdmType): Sql {
  const limit = LIMITS[type];
  if (limit === undefined) return sql`${value}::numeric`;
  const [least, beyond] = [sql.raw(`-${limit}`), sql.raw(limit)];
  return sql`(select case when x >= ${least} and x < ${beyond} then x end from (select trunc(${value}::numeric) as x) as whole)`;
}

function typeNameOf(expression: Expression, call: string, field: string): string {
  if (expression.kind === 'literal' && expression.literal.type === 'Edm.String')
    return String(expression.literal.value);
  throw refusal(field, `${call} takes the name of a type in quotes, such as 'Edm.String', as its last operand`);
}

function nameOf<S>({ namespace }: ServiceModel<S>, { name }: EntityModel<S>): string {
  return `${namespace}.${name}Type`;
}
