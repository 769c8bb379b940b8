import { canonicalKey } from '@heddle/event';
import { type RawBuilder, sql } from 'kysely';
import { type EdmType, type EdmValue, isoOf, kindOf } from './edm.js';
import type { EntityModel, PropertyModel } from './model.js';

/** SQL of a value: what it is made of came from the model, or is bound as a parameter. */
export type Sql = RawBuilder<unknown>;

/** As a view may have them: days and instants also as texts of ISO 8601. */
const CASTS: Partial<Record<EdmType, Sql>> = {
  'Edm.DateTime': sql`::timestamp`,
  'Edm.DateTimeOffset': sql`::timestamptz`,
  'Edm.Time': sql`::time`,
  'Edm.Guid': sql`::uuid`,
};

/** The column of a property under an alias; the key of the business object is found by the index of its table. */
export function columnOf<S>({ objectKey, properties }: EntityModel<S>, name: string, alias: string): Sql {
  const { type, computed, isDay } = properties[name]!;
  if (computed !== undefined) return computed(alias);
  if (isDay === true) return sql`(${sql.id(alias, name)}::timestamp at time zone 'UTC')`;
  return sql`${sql.id(alias, name === objectKey ? 'key' : name)}${CASTS[type] ?? sql``}`;
}

/** A value as a parameter of the type that its column has. */
export function boundOf(type: EdmType, value: NonNullable<EdmValue>): Sql {
  switch (kindOf(type)) {
    case 'text':
      return sql`${String(value)}::text`;
    case 'number':
      return sql`${String(value)}::numeric`;
    case 'flag':
      return sql`${String(value)}::boolean`;
    case 'DateTime':
      return sql`${isoOf(Number(value))}::timestamp`;
    case 'DateTimeOffset':
      return sql`${`${isoOf(Number(value))}Z`}::timestamptz`;
    case 'Time':
      return sql`${new Date(Number(value)).toISOString().slice(11, 23)}::time`;
    case 'Guid':
      return sql`${String(value)}::uuid`;
  }
}

/** A value as text, from which `valueOf` reads it again. */
export function writtenOf(type: EdmType, value: Sql): Sql {
  switch (kindOf(type)) {
    case 'DateTime':
    case 'DateTimeOffset':
    case 'Time':
      return sql`(extract(epoch from ${value}) * 1000)::bigint::text`;
    case 'number':
      // As the property says, without the zeros that a sum or a scale of the column leaves.
      return type === 'Edm.Decimal' ? sql`trim_scale(${value})::text` : sql`${value}::text`;
    default:
      return sql`${value}::text`;
  }
}

/** A value by which rows are ordered: texts by their characters, whatever the language of the database. */
export function orderedOf(type: EdmType, value: Sql, property?: PropertyModel): Sql {
  if (kindOf(type) !== 'text') return value;
  if (property?.isNumber === true && property.maxLength !== undefined) return padded(value, property.maxLength);
  return sql`(${value} collate "C")`;
}

/** Numbers in front of other names, and in their order. What is longer than it may be is not cut. */
function padded(value: Sql, length: number): Sql {
  return sql`(lpad(${value}, greatest(${length}::int, length(${value})), '0') collate "C")`;
}

/** The text under which a property is stored: of numbers, the one without zeros in front. */
export function storedText(property: PropertyModel | undefined, value: string): string {
  return property?.isNumber === true && /^\d+$/.test(value) ? canonicalKey(value) : value;
}
