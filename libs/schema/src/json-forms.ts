import avro, { type Type } from 'avsc';
import { formatDecimal, fromTwosComplement, parseDecimal, toTwosComplement } from './decimal.js';
import {
  MICROS,
  MILLIS,
  formatDate,
  formatTime,
  formatTimestamp,
  narrow,
  parseDate,
  parseTime,
  parseTimestamp,
  type Ticks,
  type TimeUnit,
} from './moment.js';

/*
 * The Avro types whose JSON form is not what avsc gives: each is an avsc logical type that reads and writes that form
 * directly, so that no second pass over the value is needed.
 */

/** avsc's cursor over bytes, as far as it is needed here (5.7.9; the version is pinned). */
interface Tap {
  buf: Buffer;
  pos: number;
  readLong(): number;
  writeLong(value: number): void;
}

interface AvscType {
  readonly typeName: string;
  _read(tap: Tap): unknown;
  _copy(value: unknown, options?: { coerce?: number }): unknown;
}

interface AvscResolver {
  _read?(tap: Tap): unknown;
}

type ErrorHook = (value: unknown, type: unknown) => void;

/** `_toValue` answers undefined for what is not in the JSON form. */
abstract class JsonForm extends avro.types.LogicalType {
  protected get beneath(): AvscType {
    return this.underlyingType as unknown as AvscType;
  }

  _check(value: unknown, _flags: unknown, hook?: ErrorHook): boolean {
    const fits = this._toValue(value) !== undefined;
    if (!fits) hook?.(value, this);
    return fits;
  }

  /** Defaults come as Avro writes them (`coerce: 2`); all else already is in the JSON form, which never changes. */
  _copy(value: unknown, options?: { coerce?: number }): unknown {
    return options?.coerce === 2 ? this._fromValue(this.beneath._copy(value, options)) : value;
  }

  _update(resolver: AvscResolver, writer: Type, options: object): void {
    const raw = writer instanceof avro.types.LogicalType ? writer.underlyingType : writer;
    if (writer instanceof JsonForm && !this.reads(writer)) return;
    const beneath = this.underlyingType.createResolver(raw, options) as unknown as Required<AvscResolver>;
    resolver._read = (tap) => this._fromValue(beneath._read(tap));
  }

  protected override _resolve(): undefined {
    return undefined;
  }

  /** Whether values another form has written mean the same here. Plain types and logical ones read each other. */
  protected reads(writer: JsonForm): boolean {
    return this.isPlain || writer.isPlain || writer.typeName === this.typeName;
  }

  protected get isPlain(): boolean {
    return this.typeName.startsWith('logical:heddle.');
  }
}

/** avsc's own reading of longs loses the sign of odd negative ones beyond 2^52: those take the exact way. */
const SURELY_EXACT = 2 ** 51;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const INTEGER = /^-?\d{1,19}$/;

function readExact(tap: Tap): Ticks {
  const start = tap.pos;
  const value = tap.readLong();
  if (value >= -SURELY_EXACT && value <= SURELY_EXACT) return value;
  let bits = 0n;
  for (let at = tap.pos - 1; at >= start; at -= 1) bits = (bits << 7n) | BigInt((tap.buf[at] ?? 0) & 0x7f);
  bits = BigInt.asUintN(64, bits);
  return narrow((bits >> 1n) ^ -(bits & 1n));
}

function writeExact(tap: Tap, value: Ticks): void {
  if (typeof value === 'number' && value >= -SURELY_EXACT && value <= SURELY_EXACT) return tap.writeLong(value);
  const exact = BigInt(value);
  let bits = BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n));
  while (bits >= 0x80n) {
    tap.buf[tap.pos++] = Number(bits & 0x7fn) | 0x80;
    bits >>= 7n;
  }
  tap.buf[tap.pos++] = Number(bits);
}

/** A number where that is exact, digits in a string beyond. */
class LongForm extends JsonForm {
  _read(tap: Tap): unknown {
    return this._fromValue(readExact(tap));
  }

  _write(tap: Tap, value: unknown): void {
    const ticks = this._toValue(value);
    if (ticks === undefined) throw new Error(`${String(value)} is not a ${this.typeName}`);
    writeExact(tap, ticks);
  }

  // An int is written as the same bytes as a long.
  override _update(resolver: AvscResolver, writer: Type): void {
    const raw = writer instanceof avro.types.LogicalType ? writer.underlyingType : writer;
    if (writer instanceof JsonForm && !this.reads(writer)) return;
    if (raw.typeName === 'int' || raw.typeName === 'long') resolver._read = (tap) => this._read(tap);
  }

  protected override _fromValue(value: Ticks): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
  }

  protected override _toValue(value: unknown): Ticks | undefined {
    return longOf(value);
  }
}

/** A long in its JSON form as a value; undefined if it is none, or beyond 64 bits. */
export function longOf(value: unknown): Ticks | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== 'string' || !INTEGER.test(value)) return undefined;
  const exact = BigInt(value);
  return exact < INT64_MIN || exact > INT64_MAX ? undefined : narrow(exact);
}

class TimestampForm extends LongForm {
  readonly #unit: TimeUnit;
  readonly #local: boolean;

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options);
    const name = logicalNameOf(schema);
    this.#unit = name.endsWith('micros') ? MICROS : MILLIS;
    this.#local = name.startsWith('local');
  }

  protected override _fromValue(value: Ticks): string {
    return known(formatTimestamp(value, this.#unit, this.#local), this.typeName);
  }

  protected override _toValue(value: unknown): Ticks | undefined {
    if (typeof value !== 'string') return undefined;
    const ticks = parseTimestamp(value, this.#unit, this.#local);
    return typeof ticks === 'string' ? undefined : ticks;
  }
}

class TimeMicrosForm extends LongForm {
  protected override _fromValue(value: Ticks): string {
    return known(typeof value === 'number' ? formatTime(value, MICROS) : undefined, this.typeName);
  }

  protected override _toValue(value: unknown): number | undefined {
    return numberOf(value, (text) => parseTime(text, MICROS));
  }
}

class TimeMillisForm extends JsonForm {
  protected override _fromValue(value: number): string {
    return known(formatTime(value, MILLIS), this.typeName);
  }

  protected override _toValue(value: unknown): number | undefined {
    return numberOf(value, (text) => parseTime(text, MILLIS));
  }
}

class DateForm extends JsonForm {
  protected override _fromValue(value: number): string {
    return known(formatDate(value), this.typeName);
  }

  protected override _toValue(value: unknown): number | undefined {
    return numberOf(value, parseDate);
  }
}

/** JSON has no number for these three. */
const NOT_FINITE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

class FloatForm extends JsonForm {
  protected override _fromValue(value: number): unknown {
    return Number.isFinite(value) ? value : String(value);
  }

  protected override _toValue(value: unknown): number | undefined {
    return floatOf(value);
  }
}

/** Beside a branch of strings, where "NaN" is a string like any other. */
class FiniteForm extends FloatForm {
  protected override _toValue(value: unknown): number | undefined {
    return typeof value === 'number' ? floatOf(value) : undefined;
  }
}

/** A float or double in its JSON form as a value; undefined if it is none. */
export function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' ? NOT_FINITE.get(value) : undefined;
}

class Base64Form extends JsonForm {
  protected override _fromValue(value: Buffer): string {
    return value.toString('base64');
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return bytesOf(value);
  }
}

/** Bytes in base64 as a buffer; undefined if it is not the one proper spelling of them. */
export function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, 'base64');
  // Node skips what it does not know; a value that does not come back the same was not base64.
  return bytes.toString('base64') === value ? bytes : undefined;
}

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

export function isUuid(value: string): boolean {
  return UUID.test(value);
}

class UuidForm extends JsonForm {
  protected override _fromValue(value: Buffer): string {
    return value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'string' && isUuid(value) ? Buffer.from(value.replaceAll('-', ''), 'hex') : undefined;
  }
}

/** A decimal's bytes beyond what its digits need are refused: turning them into digits takes quadratic time. */
const SPARE_DECIMAL_BYTES = 8;

class DecimalForm extends JsonForm {
  readonly #precision: number;
  readonly #scale: number;
  readonly #size: number | undefined;
  readonly #limit: bigint;
  readonly #maxBytes: number;

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options);
    const { precision, scale, size } = schema as unknown as { precision: number; scale: number; size?: number };
    this.#precision = precision;
    this.#scale = scale;
    this.#size = size;
    this.#limit = 10n ** BigInt(precision);
    this.#maxBytes = toTwosComplement(this.#limit).length + SPARE_DECIMAL_BYTES;
  }

  protected override _fromValue(value: Buffer): string {
    if (this.#size === undefined && value.length > this.#maxBytes) throw new Error('a decimal has too many bytes');
    const unscaled = fromTwosComplement(value);
    if (unscaled >= this.#limit || unscaled <= -this.#limit) throw new Error('a decimal has too many digits');
    return formatDecimal(unscaled, this.#scale);
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    if (typeof value !== 'string') return undefined;
    const unscaled = parseDecimal(value, this.#precision, this.#scale);
    return typeof unscaled === 'string' ? undefined : toTwosComplement(unscaled, this.#size);
  }

  protected override reads(writer: JsonForm): boolean {
    if (!(writer instanceof DecimalForm)) return super.reads(writer);
    return writer.#precision === this.#precision && writer.#scale === this.#scale;
  }
}

/** The names under which plain Avro types get their JSON form; a dot keeps them apart from anyone's logical types. */
export const PLAIN = {
  long: 'heddle.long',
  float: 'heddle.float',
  double: 'heddle.double',
  finite: 'heddle.finite',
  base64: 'heddle.base64',
} as const;

/** What avsc is to use, by logical type. `uuid` on a string is text already. */
export const JSON_FORMS: Record<string, new (schema: avro.Schema, options?: unknown) => avro.types.LogicalType> = {
  [PLAIN.long]: LongForm,
  [PLAIN.float]: FloatForm,
  [PLAIN.double]: FloatForm,
  [PLAIN.finite]: FiniteForm,
  [PLAIN.base64]: Base64Form,
  uuid: UuidForm,
  decimal: DecimalForm,
  date: DateForm,
  'time-millis': TimeMillisForm,
  'time-micros': TimeMicrosForm,
  'timestamp-millis': TimestampForm,
  'timestamp-micros': TimestampForm,
  'local-timestamp-millis': TimestampForm,
  'local-timestamp-micros': TimestampForm,
};

function logicalNameOf(schema: avro.Schema): string {
  return (schema as unknown as { logicalType: string }).logicalType;
}

function known(text: string | undefined, typeName: string): string {
  if (text === undefined) throw new Error(`a ${typeName} is out of range`);
  return text;
}

function numberOf(value: unknown, parse: (text: string) => number | string): number | undefined {
  const parsed = typeof value === 'string' ? parse(value) : undefined;
  return typeof parsed === 'number' ? parsed : undefined;
}
