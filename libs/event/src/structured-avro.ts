import { HeddleError } from './errors.js';
import { type StructuredData, type StructuredEvent, checkedAttributes, nameOf } from './structured-json.js';

/**
 * The CloudEvents Avro format 1.0.2: a record of two fields, a map of attributes and the data, which is bytes or the
 * format's own picture of a JSON value. Its schema is part of the specification and never changes, so that it is read by
 * hand: every length is held to the bytes that are there before anything is made of it.
 */

/** Branches of the union of an attribute, in the order of the schema. */
const ATTRIBUTE = ['null', 'boolean', 'int', 'string', 'bytes'] as const;
/** … of the data. */
const DATA = ['bytes', 'null', 'boolean', 'object', 'array', 'double', 'string'] as const;
/** … of a value in the map that data may be. */
const MEMBER = ['null', 'boolean', 'wrapped', 'double', 'string'] as const;
/** … of a value in the map of a CloudEventData. */
const WRAPPED = ['null', 'boolean', 'objects', 'array', 'double', 'string'] as const;

type Branch = (typeof ATTRIBUTE | typeof DATA | typeof MEMBER | typeof WRAPPED)[number];

const STRING = ATTRIBUTE.indexOf('string');
const BYTES = DATA.indexOf('bytes');
/** The registry's wire format in front, as its serialisers write it: no event begins with an empty map. */
const WIRE_MAGIC = 0;
const WIRE_BYTES = 5;
const MAX_DEPTH = 100;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An event in the CloudEvents Avro format; data that is JSON travels as the bytes of its text. */
export function formatAvroEvent({ attributes, data }: StructuredEvent): Buffer {
  const parts: Buffer[] = [];
  const text = (value: string): void => void parts.push(varint(Buffer.byteLength(value)), Buffer.from(value));
  const entries = Object.entries({ specversion: '1.0', ...attributes }).filter(([, value]) => value !== undefined);
  parts.push(varint(entries.length));
  for (const [name, value] of entries as [string, string][]) {
    text(name);
    parts.push(varint(STRING));
    text(value);
  }
  const bytes = 'bytes' in data ? data.bytes : Buffer.from(JSON.stringify(data.json));
  parts.push(varint(0), varint(BYTES), varint(bytes.length), Buffer.from(bytes));
  return Buffer.concat(parts);
}

/**
 * Reads an event in the CloudEvents Avro format, with or without the five bytes of a registry in front.
 *
 * @throws HeddleError `attribute-invalid`; `body-invalid` for bytes that are no such event at all.
 */
export function parseAvroEvent(bytes: Uint8Array): StructuredEvent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new AvroReader(buffer, buffer[0] === WIRE_MAGIC ? WIRE_BYTES : 0);
  let texts: Record<string, string>;
  let data: StructuredData;
  try {
    texts = attributeTexts(reader);
    const branch = reader.branch(DATA);
    data = branch === 'bytes' ? { bytes: reader.bytes() } : { json: reader.value(branch, 0) };
    reader.end();
  } catch (cause) {
    if (cause instanceof HeddleError) throw cause;
    throw new HeddleError('body-invalid', 'The event is not in the CloudEvents Avro format.', { cause });
  }
  return { attributes: checkedAttributes(texts), data };
}

function attributeTexts(reader: AvroReader): Record<string, string> {
  const texts: Record<string, string> = {};
  reader.blocks(() => {
    const name = nameOf(reader.text());
    switch (reader.branch(ATTRIBUTE)) {
      case 'null':
        return;
      case 'boolean':
        texts[name] = String(reader.boolean());
        return;
      case 'int':
        texts[name] = String(reader.integer());
        return;
      case 'string':
        texts[name] = reader.text();
        return;
      case 'bytes':
        texts[name] = reader.bytes().toString('base64');
    }
  });
  return texts;
}

/** Zigzag, then seven bits a byte, the lowest first: counts and lengths, none of them negative here. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Reads Avro's binary encoding; whatever leads past the end is a RangeError. */
class AvroReader {
  constructor(
    private readonly buffer: Buffer,
    private at: number,
  ) {}

  end(): void {
    if (this.at !== this.buffer.length) throw new RangeError('more bytes follow');
  }

  boolean(): boolean {
    return this.buffer.readUInt8(this.at++) === 1;
  }

  integer(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.buffer.readUInt8(this.at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new RangeError('a number has too many bytes');
  }

  bytes(): Buffer {
    const length = this.integer();
    if (length < 0 || length > this.buffer.length - this.at) throw new RangeError('cut off');
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  text(): string {
    return utf8.decode(this.bytes());
  }

  branch<B extends Branch>(branches: readonly B[]): B {
    const branch = branches[this.integer()];
    if (branch === undefined) throw new RangeError('there is no such branch');
    return branch;
  }

  /** The items of an array or a map, each of which takes a byte at least: a count cannot lie for long. */
  blocks(item: () => void): void {
    for (let count = this.integer(); count !== 0; count = this.integer()) {
      // A negative count has the size of the block behind it.
      if (count < 0) this.integer();
      for (let left = Math.abs(count); left > 0; left -= 1) item();
    }
  }

  /** A JSON value as one of the branches that stand for it. */
  value(branch: Exclude<Branch, 'bytes' | 'int'>, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new RangeError('nested too deep');
    switch (branch) {
      case 'null':
        return null;
      case 'boolean':
        return this.boolean();
      case 'double':
        this.at += 8;
        return this.buffer.readDoubleLE(this.at - 8);
      case 'string':
        return this.text();
      case 'object':
        return this.object(() => this.value(this.branch(MEMBER), depth + 1));
      case 'wrapped':
        return this.wrapped(depth + 1);
      case 'objects':
        return this.object(() => this.wrapped(depth + 1));
      case 'array': {
        const items: unknown[] = [];
        this.blocks(() => void items.push(this.wrapped(depth + 1)));
        return items;
      }
    }
  }

  /** A CloudEventData: a record whose one field is a map. */
  private wrapped(depth: number): unknown {
    return this.object(() => this.value(this.branch(WRAPPED), depth));
  }

  private object(value: () => unknown): object {
    const members: [string, unknown][] = [];
    this.blocks(() => void members.push([this.text(), value()]));
    return Object.fromEntries(members);
  }
}
