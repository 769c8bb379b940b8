import { HeddleError } from '@heddle/event';

/**
 * A value of the AMQP 1.0 type system (part 1 of the specification) as it is read. Symbols, characters and UUIDs become
 * strings, timestamps dates, 64-bit integers that no number holds bigints.
 */
export type AmqpValue =
  null | boolean | number | bigint | string | Date | Buffer | AmqpValue[] | AmqpMap | DescribedValue;

/** Keys may be anything, so that no name of a member of objects means more than another. */
export type AmqpMap = Map<AmqpValue, AmqpValue>;

/** A value that says by a descriptor, a code or a symbol, what it stands for. */
export class DescribedValue {
  constructor(
    readonly descriptor: AmqpValue,
    readonly value: AmqpValue,
  ) {}
}

/** Lists, maps, arrays and descriptions within each other. */
const MAX_DEPTH = 32;
/** Values in one frame or message: an array of a billion nulls is six bytes long. */
const MAX_VALUES = 100_000;
const DESCRIBED = 0x00;

/** Reads AMQP values; what leads past the end, is nested too deep or holds too much is refused. */
export class AmqpReader {
  #left = MAX_VALUES;

  constructor(
    private readonly bytes: Buffer,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** What has not been read. */
  get rest(): Buffer {
    return this.bytes.subarray(this.at, this.end);
  }

  /** @throws HeddleError `frame-invalid` */
  value(depth = 0): AmqpValue {
    const code = this.#byte();
    return code === DESCRIBED ? this.#described(depth + 1) : this.#ofCode(code, depth);
  }

  #described(depth: number): DescribedValue {
    checkDepth(depth);
    return new DescribedValue(this.value(depth), this.value(depth));
  }

  #ofCode(code: number, depth: number): AmqpValue {
    this.#left -= 1;
    if (this.#left < 0) throw unreadable(`there are more than ${MAX_VALUES} values`);
    switch (code) {
      case 0x40:
        return null;
      case 0x41:
        return true;
      case 0x42:
        return false;
      case 0x43:
      case 0x44:
        return 0;
      case 0x45:
        return [];
      case 0x50:
      case 0x52:
      case 0x53:
        return this.#byte();
      case 0x51:
      case 0x54:
      case 0x55:
        return this.bytes.readInt8(this.#skip(1));
      case 0x56:
        return this.#byte() !== 0;
      case 0x60:
        return this.bytes.readUInt16BE(this.#skip(2));
      case 0x61:
        return this.bytes.readInt16BE(this.#skip(2));
      case 0x70:
        return this.bytes.readUInt32BE(this.#skip(4));
      case 0x71:
        return this.bytes.readInt32BE(this.#skip(4));
      case 0x72:
        return this.bytes.readFloatBE(this.#skip(4));
      case 0x73:
        return this.#character();
      case 0x80:
        return narrow(this.bytes.readBigUInt64BE(this.#skip(8)));
      case 0x81:
        return narrow(this.bytes.readBigInt64BE(this.#skip(8)));
      case 0x82:
        return this.bytes.readDoubleBE(this.#skip(8));
      case 0x83:
        return new Date(Number(this.bytes.readBigInt64BE(this.#skip(8))));
      case 0x74:
      case 0x84:
      case 0x94:
        return this.#slice(2 ** ((code >> 4) - 5));
      case 0x98:
        return this.#slice(16)
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      case 0xa0:
        return this.#slice(this.#byte());
      case 0xb0:
        return this.#slice(this.#uint());
      case 0xa1:
      case 0xa3:
        return this.#text(this.#byte());
      case 0xb1:
      case 0xb3:
        return this.#text(this.#uint());
      case 0xc0:
      case 0xd0:
        return this.#list(code === 0xc0, depth + 1);
      case 0xc1:
      case 0xd1:
        return this.#map(code === 0xc1, depth + 1);
      case 0xe0:
      case 0xf0:
        return this.#array(code === 0xe0, depth + 1);
      default:
        throw unreadable(`there is no type 0x${code.toString(16)}`);
    }
  }

  #list(isShort: boolean, depth: number): AmqpValue[] {
    const { count, end } = this.#compound(isShort, depth);
    const items: AmqpValue[] = [];
    for (let left = count; left > 0; left -= 1) items.push(this.value(depth));
    this.#mustBeAt(end);
    return items;
  }

  #map(isShort: boolean, depth: number): AmqpMap {
    const { count, end } = this.#compound(isShort, depth);
    if (count % 2 !== 0) throw unreadable('a map has a key without a value');
    const map: AmqpMap = new Map();
    for (let left = count; left > 0; left -= 2) map.set(this.value(depth), this.value(depth));
    this.#mustBeAt(end);
    return map;
  }

  /** All items of an array are of one type, which stands once in front of them. */
  #array(isShort: boolean, depth: number): AmqpValue[] {
    const { count, end } = this.#compound(isShort, depth);
    const items: AmqpValue[] = [];
    let code = this.#byte();
    let descriptor: AmqpValue | undefined;
    if (code === DESCRIBED) {
      descriptor = this.value(depth);
      code = this.#byte();
    }
    for (let left = count; left > 0; left -= 1) {
      const item = this.#ofCode(code, depth);
      items.push(descriptor === undefined ? item : new DescribedValue(descriptor, item));
    }
    this.#mustBeAt(end);
    return items;
  }

  #compound(isShort: boolean, depth: number): { count: number; end: number } {
    checkDepth(depth);
    const size = isShort ? this.#byte() : this.#uint();
    const end = this.at + size;
    if (end > this.end) throw unreadable('a value is longer than what holds it');
    return { count: isShort ? this.#byte() : this.#uint(), end };
  }

  #mustBeAt(end: number): void {
    if (this.at !== end) throw unreadable('a list, map or array has another size than it says');
  }

  #byte(): number {
    return this.bytes[this.#skip(1)]!;
  }

  #uint(): number {
    return this.bytes.readUInt32BE(this.#skip(4));
  }

  #slice(length: number): Buffer {
    const from = this.#skip(length);
    return this.bytes.subarray(from, from + length);
  }

  #text(length: number): string {
    const from = this.#skip(length);
    return this.bytes.toString('utf8', from, from + length);
  }

  #character(): string {
    const point = this.#uint();
    if (point > 0x10ffff) throw unreadable('a character is none of Unicode');
    return String.fromCodePoint(point);
  }

  #skip(length: number): number {
    const from = this.at;
    this.at += length;
    if (this.at > this.end) throw unreadable('it is cut off');
    return from;
  }
}

export function unreadable(why: string): HeddleError {
  return new HeddleError('frame-invalid', `This is no AMQP 1.0: ${why}.`);
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw unreadable(`values are more than ${MAX_DEPTH} deep within each other`);
}

function narrow(value: bigint): number | bigint {
  return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : value;
}
