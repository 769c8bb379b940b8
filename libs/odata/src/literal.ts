import { type EdmType, type EdmValue, durationOf, isoOf } from './edm.js';
import { quoted, refusal } from './refusal.js';

/** A literal of a URL; null is of every type. */
export interface Literal {
  type: EdmType | 'null';
  value: EdmValue;
}

const WORD = /(?:null|true|false)(?![\w'/(])/y;
const TEXT = /'((?:[^']|'')*)'/y;
const TYPED = /(datetimeoffset|datetime|time|guid)'([^']*)'/y;
const NUMBER = /-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?[LlMmDdFf]?(?![\w.])/y;

const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?$/;
/** A plus that was not escaped has become a space on its way. */
const OFFSET = /^(.*?)(Z|[ +-]\d\d:\d\d)$/;
const DURATION = /^PT(?=\d)(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:\.(\d{1,7}))?S)?$/;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INT32 = 2n ** 31n;
const INT64 = 2n ** 63n;

/** The literal that begins at a place of a text, and where it ends; nothing where there is none. */
export function scanLiteral(text: string, at: number, field: string): { literal: Literal; end: number } | undefined {
  for (const [pattern, read] of SCANS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return { literal: read(match, field), end: pattern.lastIndex };
  }
  return undefined;
}

const SCANS: readonly [RegExp, (match: RegExpExecArray, field: string) => Literal][] = [
  [
    WORD,
    ([word]) => (word === 'null' ? { type: 'null', value: null } : { type: 'Edm.Boolean', value: word === 'true' }),
  ],
  [TEXT, ([, inner = ''], field) => ({ type: 'Edm.String', value: stored(inner.replaceAll("''", "'"), field) })],
  [TYPED, ([whole, prefix, inner = ''], field) => typed(prefix, inner) ?? refuse(whole, field)],
  [NUMBER, ([whole], field) => numberOf(whole) ?? refuse(whole, field)],
];

/** PostgreSQL has no character of code 0. */
function stored(text: string, field: string): string {
  if (text.includes('\0')) throw refusal(field, 'a text has a character of code 0');
  return text;
}

function refuse(whole: string, field: string): never {
  throw refusal(field, `${quoted(whole)} is no literal of its type`);
}

function typed(prefix: string | undefined, inner: string): Literal | undefined {
  if (prefix === 'guid') return GUID.test(inner) ? { type: 'Edm.Guid', value: inner.toLowerCase() } : undefined;
  if (prefix === 'time') {
    const value = timeOf(inner);
    return value === undefined ? undefined : { type: 'Edm.Time', value };
  }
  if (prefix === 'datetime') {
    const value = dateTimeOf(inner);
    return value === undefined ? undefined : { type: 'Edm.DateTime', value };
  }
  const value = dateTimeOffsetOf(inner);
  return value === undefined ? undefined : { type: 'Edm.DateTimeOffset', value };
}

/** Milliseconds of `2026-11-21T10:00:00.5`; what is below a millisecond is cut off. */
export function dateTimeOf(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = numbersOf(match.slice(1, 7));
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day);
  date.setUTCHours(hour!, minute, second, Number((match[7] ?? '').padEnd(3, '0').slice(0, 3)));
  // A day or an hour that there is not would have become another one.
  return isoOf(date.getTime()).slice(0, 16) === text.slice(0, 16) && second! < 60 ? date.getTime() : undefined;
}

/** What a pattern has left out is nought. */
function numbersOf(parts: readonly (string | undefined)[]): number[] {
  return parts.map((part) => Number(part ?? 0));
}

/** Milliseconds of `2026-11-21T10:00:00+01:00`. */
export function dateTimeOffsetOf(text: string): number | undefined {
  const [, local = '', zone = ''] = OFFSET.exec(text) ?? [];
  const value = dateTimeOf(local);
  if (value === undefined) return undefined;
  const [hours = 0, minutes = 0] = zone === 'Z' ? [] : zone.slice(1).split(':').map(Number);
  if (hours > 14 || minutes > 59) return undefined;
  return value - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** Milliseconds since midnight of `PT10H5M`. */
export function timeOf(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = numbersOf(match.slice(1, 4));
  if (hours! > 23 || minutes! > 59 || seconds! > 59) return undefined;
  const fraction = Number((match[4] ?? '').padEnd(3, '0').slice(0, 3));
  return (hours! * 3600 + minutes! * 60 + seconds!) * 1000 + fraction;
}

/** Without a suffix, a number with a point is exact: it is compared with decimals. */
function numberOf(whole: string): Literal | undefined {
  const suffix = /[LlMmDdFf]$/.exec(whole)?.[0].toUpperCase();
  const digits = suffix === undefined ? whole : whole.slice(0, -1);
  if (suffix === 'D' || suffix === 'F' || /[eE]/.test(digits)) {
    if (suffix === 'L' || suffix === 'M') return undefined;
    const value = Number(digits);
    return Number.isFinite(value) ? { type: 'Edm.Double', value } : undefined;
  }
  if (suffix === 'M' || digits.includes('.')) {
    return suffix === 'L' ? undefined : { type: 'Edm.Decimal', value: decimalOf(digits) };
  }
  const value = BigInt(digits);
  if (suffix === undefined && value >= -INT32 && value < INT32) return { type: 'Edm.Int32', value: Number(value) };
  if (value >= -INT64 && value < INT64) return { type: 'Edm.Int64', value: String(value) };
  return suffix === 'L' ? undefined : { type: 'Edm.Decimal', value: String(value) };
}

/** A decimal without needless zeros, so that equal numbers are equal texts. */
export function decimalOf(digits: string): string {
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
  const tail = fraction.replace(/0+$/, '');
  const text = whole.replace(/^0+(?=\d)/, '') + (tail === '' ? '' : `.${tail}`);
  return digits.startsWith('-') && text !== '0' ? `-${text}` : text;
}

/** A literal as it is written into a URL, not yet percent-encoded. */
export function printLiteral({ type, value }: Literal): string {
  if (value === null) return 'null';
  switch (type) {
    case 'Edm.String':
      return `'${String(value).replaceAll("'", "''")}'`;
    case 'Edm.Int64':
      return `${value}L`;
    case 'Edm.Decimal':
      return `${value}M`;
    case 'Edm.Double':
      return `${value}D`;
    case 'Edm.DateTime':
      return `datetime'${isoOf(Number(value))}'`;
    case 'Edm.DateTimeOffset':
      return `datetimeoffset'${isoOf(Number(value))}Z'`;
    case 'Edm.Time':
      return `time'${durationOf(Number(value))}'`;
    case 'Edm.Guid':
      return `guid'${value}'`;
    default:
      return String(value);
  }
}
