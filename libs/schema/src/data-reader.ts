import type { AvroLimits } from './byte-walker.js';
import { formatDecimal, fromTwosComplement, toTwosComplement } from './decimal.js';
import { formatDate, formatTime, formatTimestamp, MICROS, MILLIS } from './moment.js';
import { quickDecimalText } from './quick-decimal.js';
import { compileFunction } from './record-function.js';
import { minimumWidths } from './schema-rules.js';
import type { FixedNode, PrimitiveNode, RecordNode, SchemaNode } from './schema-tree.js';

/** Bytes that a value is read from, and where the reading stands. `end` is the length of `bytes`. */
export interface Input {
  bytes: Buffer;
  at: number;
  end: number;
  items: number;
  values: number;
  depth: number;
}

type Read = (input: Input) => unknown;

/** Thrown for whatever is not read here: no verdict, for the longer way may read it. */
export const NOT_READ = new Error('not read here');

/**
 * Compiles the walk over bytes that holds them to the limits, and the reading of their JSON form, as one. It never reads
 * beyond the end or past a limit; what it throws is {@link NOT_READ}, and then `byteWalker` and avsc have the word.
 */
export function dataReader(tree: SchemaNode, limits: AvroLimits): Read {
  return new ReadCompiler(tree, limits).compile(tree);
}

class ReadCompiler {
  readonly #records = new Map<string, Read>();
  readonly #width: (node: SchemaNode) => number;

  constructor(
    tree: SchemaNode,
    private readonly limits: AvroLimits,
  ) {
    this.#width = minimumWidths(tree);
  }

  compile(node: SchemaNode): Read {
    switch (node.kind) {
      case 'record':
        return this.#record(node);
      case 'array':
        return this.#array(this.compile(node.items), this.#width(node.items));
      case 'map':
        return this.#map(this.compile(node.values), 1 + this.#width(node.values));
      case 'union': {
        const branches = node.branches.map((branch) => this.compile(branch));
        const { length } = branches;
        const [first, second] = branches as [Read, Read];
        // Nearly all unions are of nothing and something.
        if (length === 2) return (input) => (readIndex(input, 2) === 0 ? first(input) : second(input));
        return (input) => (branches[readIndex(input, length)] as Read)(input);
      }
      case 'enum': {
        const { symbols } = node;
        return (input) => symbols[readIndex(input, symbols.length)];
      }
      default:
        return scalarRead(node);
    }
  }

  #record(node: RecordNode): Read {
    const known = this.#records.get(node.name);
    if (known !== undefined) return known;
    let read: Read = () => undefined;
    // A record may hold itself: what is inside of it finds it by this.
    this.#records.set(node.name, (input) => read(input));
    const reads = node.fields.map(({ type }) => this.compile(type));
    const { depth, values } = this.limits;
    const source = `
      ${reads.map((_, n) => `const r${n} = r[${n}];`).join(' ')}
      return (input) => {
        if ((input.depth += 1) > ${depth} || (input.values += ${reads.length}) > ${values}) throw NOT_READ;
        const value = { ${node.fields.map(({ name }, n) => `${name}: r${n}(input)`).join(', ')} };
        input.depth -= 1;
        return value;
      };`;
    read = compileFunction<Read>(source, { r: reads, NOT_READ });
    return read;
  }

  #array(item: Read, width: number): Read {
    return (input) => {
      const items: unknown[] = [];
      this.#enter(input);
      for (let count = this.#block(input, width); count > 0; count = this.#block(input, width))
        for (let n = 0; n < count; n += 1) items.push(item(input));
      input.depth -= 1;
      return items;
    };
  }

  #map(entry: Read, width: number): Read {
    return (input) => {
      const map: Record<string, unknown> = {};
      this.#enter(input);
      for (let count = this.#block(input, width); count > 0; count = this.#block(input, width)) {
        for (let n = 0; n < count; n += 1) {
          const key = readText(input);
          if (key === '__proto__') throw NOT_READ;
          map[key] = entry(input);
        }
      }
      input.depth -= 1;
      return map;
    };
  }

  #enter(input: Input): void {
    if ((input.depth += 1) > this.limits.depth) throw NOT_READ;
  }

  /** How many items follow; none at the end. A count is believed as far as there are bytes for it. */
  #block(input: Input, width: number): number {
    let count = readLong(input);
    if (count < 0) {
      count = -count;
      if (readLong(input) < 0) throw NOT_READ;
    }
    if ((input.items += count) > this.limits.items || count * width > input.end - input.at) throw NOT_READ;
    return count;
  }
}

function scalarRead(node: PrimitiveNode | FixedNode): Read {
  if (node.logical !== undefined && !(node.logical === 'uuid' && node.kind === 'string')) return logicalRead(node);
  switch (node.kind) {
    case 'null':
      return () => null;
    case 'boolean':
      return (input) => input.bytes[advance(input, 1)] !== 0;
    case 'int':
      return readInt;
    case 'long':
      return readLong;
    case 'float':
      return (input) => finite(input.bytes.readFloatLE(advance(input, 4)));
    case 'double':
      return (input) => finite(input.bytes.readDoubleLE(advance(input, 8)));
    case 'bytes':
      return (input) => base64(input, readLength(input));
    case 'fixed':
      return (input) => base64(input, node.size);
    case 'string':
      return readText;
  }
}

function logicalRead(node: PrimitiveNode | FixedNode): Read {
  const { kind, logical = '', precision = 1, scale = 0 } = node;
  const unit = logical.endsWith('micros') ? MICROS : MILLIS;
  switch (logical) {
    case 'decimal': {
      const size = kind === 'fixed' ? node.size : undefined;
      const limit = 10n ** BigInt(precision);
      const maxBytes = size ?? toTwosComplement(limit).length;
      return (input) => {
        const length = size ?? readLength(input);
        const from = advance(input, length);
        const text = quickDecimalText(input.bytes, from, length, precision, scale);
        if (text !== undefined) return text;
        // More bytes than its digits need take quadratic time to turn into them.
        if (length > maxBytes) throw NOT_READ;
        const unscaled = fromTwosComplement(input.bytes.subarray(from, input.at));
        if (unscaled >= limit || unscaled <= -limit) throw NOT_READ;
        return formatDecimal(unscaled, scale);
      };
    }
    case 'date':
      return (input) => known(formatDate(readInt(input)));
    case 'time-millis':
      return (input) => known(formatTime(readInt(input), unit));
    case 'time-micros':
      return (input) => known(formatTime(readLong(input), unit));
    case 'timestamp-millis':
    case 'timestamp-micros':
    case 'local-timestamp-millis':
    case 'local-timestamp-micros': {
      const isLocal = logical.startsWith('local');
      return (input) => known(formatTimestamp(readLong(input), unit, isLocal));
    }
    default:
      // A UUID of sixteen bytes.
      return () => known(undefined);
  }
}

/** Moves on by so many bytes; answers with where they begin. */
function advance(input: Input, bytes: number): number {
  const { at } = input;
  if ((input.at = at + bytes) > input.end) throw NOT_READ;
  return at;
}

/** Of 32 bits. */
const INT_BYTES = 5;

function readInt(input: Input): number {
  const from = input.at;
  const value = readLong(input);
  if (value !== (value | 0) || input.at - from > INT_BYTES) throw NOT_READ;
  return value;
}

/** Up to this, twice a number is exact. */
const SURELY_EXACT = 2 ** 52;
const HALF_BITS = 28;

function readLong(input: Input): number {
  const { bytes, at, end } = input;
  if (at >= end) throw NOT_READ;
  const first = bytes[at] as number;
  if (first >= 0x80) return readMore(input);
  input.at = at + 1;
  return (first >>> 1) ^ -(first & 1);
}

/** Four bytes at seven bits each fit a small number, and four more another one; who writes more is not read here. */
function readMore(input: Input): number {
  const low = readBits(input);
  const high = (input.bytes[input.at - 1] as number) >= 0x80 ? readBits(input) : 0;
  if ((input.bytes[input.at - 1] as number) >= 0x80) throw NOT_READ;
  const value = low + high * 2 ** HALF_BITS;
  if (value > SURELY_EXACT) throw NOT_READ;
  return (low & 1) === 0 ? value / 2 : -(value + 1) / 2;
}

function readBits(input: Input): number {
  const { bytes, end } = input;
  let { at } = input;
  let bits = 0;
  for (let shift = 0; shift < HALF_BITS; shift += 7) {
    if (at >= end) throw NOT_READ;
    const byte = bytes[at++] as number;
    bits |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  input.at = at;
  return bits;
}

function readIndex(input: Input, count: number): number {
  const index = readLong(input);
  if (index < 0 || index >= count) throw NOT_READ;
  return index;
}

function readLength(input: Input): number {
  const length = readLong(input);
  if (length < 0) throw NOT_READ;
  return length;
}

/** Texts of one byte a letter and up to this many are read letter by letter: a call out of JavaScript costs more. */
const SHORT = 8;

/** As `toString('utf8', …)`, which looks at what it was given first. */
interface Sliceable {
  utf8Slice(from: number, to: number): string;
}

function readText(input: Input): string {
  const length = readLength(input);
  const from = advance(input, length);
  const to = input.at;
  const { bytes } = input;
  if (length > SHORT) return (bytes as unknown as Sliceable).utf8Slice(from, to);
  let text = '';
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return bytes.toString('utf8', from, to);
    text += String.fromCharCode(byte);
  }
  return text;
}

function base64(input: Input, length: number): string {
  const from = advance(input, length);
  return input.bytes.toString('base64', from, input.at);
}

/** JSON has no number for the others. */
function finite(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function known(text: string | undefined): string {
  if (text === undefined) throw NOT_READ;
  return text;
}
