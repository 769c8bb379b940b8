import type { AvroSchema } from '@heddle/schema';
import avro from 'avsc';

const DAY_MS = 86_400_000;

/** A decimal with its places, as text; what it costs is digits in a big integer, both ways. */
class Decimal extends avro.types.LogicalType {
  readonly #scale: number;

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options);
    this.#scale = (schema as unknown as { scale: number }).scale;
  }

  protected override _fromValue(bytes: Buffer): string {
    const digits = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)).toString();
    const padded = digits.padStart(this.#scale + 1, '0');
    return `${padded.slice(0, -this.#scale)}.${padded.slice(-this.#scale)}`;
  }

  protected override _toValue(text: string): Buffer {
    return unscaled(text, this.#scale);
  }
}

class Instant extends avro.types.LogicalType {
  protected override _fromValue(ms: number): string {
    return new Date(ms).toISOString();
  }

  protected override _toValue(text: string): number {
    return Date.parse(text);
  }
}

class Day extends avro.types.LogicalType {
  protected override _fromValue(days: number): string {
    return new Date(days * DAY_MS).toISOString().slice(0, 10);
  }

  protected override _toValue(text: string): number {
    return Date.parse(text) / DAY_MS;
  }
}

/** Logical types that give the JSON form, written as plainly as they can be. */
export const jsonFormTypes = { decimal: Decimal, 'timestamp-millis': Instant, date: Day };

type Field = { name: string; type: unknown };

/** Data in JSON form as avsc has it without logical types; as far as the events of the bench need it. */
export function plainValue(schema: AvroSchema, data: unknown): unknown {
  const { fields } = schema as unknown as { fields: Field[] };
  const values = data as Record<string, unknown>;
  return Object.fromEntries(fields.map(({ name, type }) => [name, plain(type, values[name])]));
}

function plain(type: unknown, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const branches = (Array.isArray(type) ? type : [type]) as { logicalType?: string; scale?: number }[];
  const { logicalType, scale = 0 } = branches.find((branch) => branch.logicalType !== undefined) ?? {};
  if (logicalType === 'decimal') return unscaled(value, scale);
  if (logicalType === 'timestamp-millis') return Date.parse(value);
  return logicalType === 'date' ? Date.parse(value) / DAY_MS : value;
}

function unscaled(text: string, scale: number): Buffer {
  const [whole = '', fraction = ''] = text.split('.');
  const value = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  const length = Math.floor((value < 0n ? -value - 1n : value).toString(2).length / 8) + 1;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}
