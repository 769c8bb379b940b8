/** The primitive types of OData V2 that properties here may have ([CSDL V2], EDM primitive types). */
export type EdmType =
  | 'Edm.String'
  | 'Edm.Boolean'
  | 'Edm.Int32'
  | 'Edm.Int64'
  | 'Edm.Decimal'
  | 'Edm.Double'
  | 'Edm.DateTime'
  | 'Edm.DateTimeOffset'
  | 'Edm.Time'
  | 'Edm.Guid';

/**
 * A value inside: Int64 and Decimal are texts, so that no digit is lost; DateTime and DateTimeOffset are milliseconds
 * since 1970 (a DateTime as if it were in UTC), a Time is milliseconds since midnight.
 */
export type EdmValue = string | number | boolean | null;

/** Types whose values can be compared with one another. */
export type EdmKind = 'text' | 'number' | 'flag' | 'DateTime' | 'DateTimeOffset' | 'Time' | 'Guid';

/** Every type, with what its values can be compared with. */
export const EDM_TYPES: Record<EdmType, EdmKind> = {
  'Edm.String': 'text',
  'Edm.Boolean': 'flag',
  'Edm.Int32': 'number',
  'Edm.Int64': 'number',
  'Edm.Decimal': 'number',
  'Edm.Double': 'number',
  'Edm.DateTime': 'DateTime',
  'Edm.DateTimeOffset': 'DateTimeOffset',
  'Edm.Time': 'Time',
  'Edm.Guid': 'Guid',
};

export function kindOf(type: EdmType): EdmKind {
  return EDM_TYPES[type];
}

/** `2026-11-21T10:00:00`, with milliseconds only where there are some. */
export function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/(?:\.000)?Z$/, '');
}

/** `PT10H05M00S`, as XML Schema writes a duration. */
export function durationOf(milliseconds: number): string {
  const pad = (value: number): string => String(value).padStart(2, '0');
  const seconds = (milliseconds % 60_000) / 1000;
  const rest = Math.floor(milliseconds / 60_000);
  return `PT${pad(Math.floor(rest / 60))}H${pad(rest % 60)}M${seconds < 10 ? '0' : ''}${seconds}S`;
}

/** A value as it stands in XML, in `$value`, and in the texts of conditions. */
export function textOf(type: EdmType, value: NonNullable<EdmValue>): string {
  switch (type) {
    case 'Edm.DateTime':
      return isoOf(Number(value));
    case 'Edm.DateTimeOffset':
      return `${isoOf(Number(value))}Z`;
    case 'Edm.Time':
      return durationOf(Number(value));
    default:
      return String(value);
  }
}

/** A value as it stands in verbose JSON: decimals and 64 bits as texts, times as `/Date(…)/`. */
export function jsonOf(type: EdmType, value: EdmValue): EdmValue {
  if (value === null) return null;
  if (type === 'Edm.DateTime') return `/Date(${Number(value)})/`;
  if (type === 'Edm.DateTimeOffset') return `/Date(${Number(value)}+0000)/`;
  if (type === 'Edm.Time') return durationOf(Number(value));
  return value;
}

/** What the database wrote of a property (see `rows.ts`) as a value. */
export function valueOf(type: EdmType, text: string | null): EdmValue {
  if (text === null) return null;
  switch (type) {
    case 'Edm.Boolean':
      return text === 'true';
    case 'Edm.Int32':
    case 'Edm.Double':
    case 'Edm.DateTime':
    case 'Edm.DateTimeOffset':
    case 'Edm.Time':
      return Number(text);
    default:
      return text;
  }
}
