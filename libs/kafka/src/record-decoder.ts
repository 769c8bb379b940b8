/** What kafkajs hands its record decoder: bytes, and where to read. */
export interface RecordSource {
  buffer: Buffer;
  offset: number;
}

/** What the batch says about all its records. */
export interface BatchContext {
  firstOffset: string;
  firstTimestamp: string;
  magicByte: number;
  isControlBatch: boolean;
  timestampType: number;
  maxTimestamp: string;
  producerId?: string;
  inTransaction?: boolean;
}

const LOG_APPEND_TIME = 1;

/**
 * Reads all records of a batch of format v2, unpacked.
 *
 * @throws RangeError when they are not exactly so many, one after another.
 */
export function decodeAll(buffer: Buffer, count: number, context: BatchContext): Record<string, unknown>[] {
  // Before an array of that length is made; the least record has seven bytes.
  if (count < 0 || count > buffer.length) throw new RangeError(`it has no ${count} records`);
  const records = new Array<Record<string, unknown>>(count);
  const source = { buffer, offset: 0 };
  for (let index = 0; index < count; index += 1) {
    const reader = new BodyReader(buffer, source.offset);
    const length = reader.varInt();
    source.offset = reader.at;
    const end = reader.at + length;
    if (length < 0 || end > buffer.length) throw new RangeError(`record ${index} of it is cut off`);
    records[index] = decodeRecord(source, context);
    if (source.offset !== end) throw new RangeError(`record ${index} of it is broken`);
  }
  return records;
}

/** Reads a record of format v2; `source` stands at the start of its body. The result is what kafkajs gives its users. */
export function decodeRecord(source: RecordSource, context: BatchContext): Record<string, unknown> {
  const { buffer } = source;
  const reader = new BodyReader(buffer, source.offset);
  const attributes = reader.byte();
  const timestampDelta = reader.varLong();
  const offsetDelta = reader.varInt();
  const key = reader.bytes();
  const value = reader.bytes();
  const headers: Record<string, unknown> = {};
  const count = reader.varInt();
  if (count > buffer.length - reader.at) throw new RangeError(`a record of it has no ${count} headers`);
  for (let index = 0; index < count; index += 1) addHeader(headers, reader.name(index), reader.bytes());
  source.offset = reader.at;
  return {
    magicByte: context.magicByte,
    attributes,
    timestamp:
      context.timestampType === LOG_APPEND_TIME && context.maxTimestamp
        ? context.maxTimestamp
        : String(Number(context.firstTimestamp) + timestampDelta),
    offset: String(Number(context.firstOffset) + offsetDelta),
    key,
    value,
    headers,
    isControlRecord: context.isControlBatch,
    batchContext: context,
  };
}

function addHeader(headers: Record<string, unknown>, name: string, value: Buffer | null): void {
  if (name === '__proto__') {
    // An assignment would change what the object is, not what it holds.
    Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const before = headers[name];
  if (!Object.hasOwn(headers, name)) headers[name] = value;
  else headers[name] = Array.isArray(before) ? [...before, value] : [before, value];
}

/** Names come in the same order in record after record: the string of the last one is used again. */
const lastNames: { name: string; bytes: Buffer }[] = [];
const MAX_LAST_NAMES = 64;

class BodyReader {
  constructor(
    private readonly buffer: Buffer,
    public at: number,
  ) {}

  byte(): number {
    return this.buffer.readInt8(this.at++);
  }

  varInt(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer[this.at++] ?? 0;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (result >>> 1) ^ -(result & 1);
    }
  }

  varLong(): number {
    let low = 0;
    for (let shift = 0, factor = 1; shift < 70; shift += 7, factor *= 128) {
      const byte = this.buffer[this.at++] ?? 0;
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varInt();
    if (length < 0) return null;
    const begin = this.at;
    this.at += length;
    return this.buffer.subarray(begin, this.at);
  }

  name(index: number): string {
    const length = this.varInt();
    const begin = this.at;
    this.at += length;
    const last = lastNames[index];
    if (last !== undefined && last.bytes.length === length && this.isSame(last.bytes, begin)) return last.name;
    const bytes = Buffer.from(this.buffer.subarray(begin, this.at));
    const name = bytes.toString();
    if (index < MAX_LAST_NAMES) lastNames[index] = { name, bytes };
    return name;
  }

  private isSame(bytes: Buffer, begin: number): boolean {
    for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== this.buffer[begin + index]) return false;
    return true;
  }
}
