import { crc32c } from '@node-rs/crc32';
import type { IHeaders } from 'kafkajs';

/** A record as kafkajs hands it on. */
export interface PlainRecord {
  key?: string | Buffer | null;
  value: string | Buffer | null;
  headers?: IHeaders;
  timestamp?: string | number;
}

/** The part of a produce request that is encoded here. */
export interface ProduceData {
  acks: number;
  timeout: number;
  transactionalId?: string | null;
  producerId: { toString(): string };
  producerEpoch: number;
  topicData: readonly {
    topic: string;
    partitions: readonly { partition: number; firstSequence: number; messages: readonly PlainRecord[] }[];
  }[];
}

const MAGIC = 2;
const TRANSACTIONAL = 16;
/** Bytes of a record batch before its records, and from its start to its length's end, its leader epoch, its checksum. */
const BATCH_HEADER_BYTES = 61;
const BATCH_LENGTH_END = 12;
const BATCH_CRC_AT = 17;
const BATCH_CRC_FROM = 21;
/** Varints of a record, and of a header: at most these. */
const RECORD_FRAME_BYTES = 40;
const HEADER_FRAME_BYTES = 10;
const UTF8_BYTES_PER_UNIT = 3;
const SHORT_TEXT = 64;

/** The body of a produce request, versions 3 to 7 (Kafka protocol, "Produce"), in one buffer and one pass. */
export function encodeProduce(data: ProduceData, now: number = Date.now()): Buffer {
  const writer = new ProduceWriter(boundOf(data));
  writer.text(data.transactionalId ?? null);
  writer.int16(data.acks);
  writer.int32(data.timeout);
  writer.int32(data.topicData.length);
  for (const { topic, partitions } of data.topicData) {
    writer.text(topic);
    writer.int32(partitions.length);
    for (const entry of partitions) {
      writer.int32(entry.partition);
      writer.batch(data, entry.firstSequence, entry.messages, now);
    }
  }
  return writer.buffer.subarray(0, writer.at);
}

class ProduceWriter {
  readonly buffer: Buffer;
  at = 0;

  constructor(bound: number) {
    // Not from Node's pool, which such requests would only exhaust.
    this.buffer = Buffer.allocUnsafeSlow(bound);
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  text(value: string | null): void {
    const bytes = value === null ? -1 : Buffer.byteLength(value);
    this.int16(bytes);
    if (value !== null) this.at += this.buffer.write(value, this.at, 'utf8');
  }

  /** The size of the batch, then the batch (Kafka protocol, "Record Batch"). */
  batch(data: ProduceData, firstSequence: number, records: readonly PlainRecord[], now: number): void {
    const { buffer } = this;
    const begin = this.at + 4;
    this.at = begin + BATCH_HEADER_BYTES;
    let first = now;
    let max = now;
    for (const [index, record] of records.entries()) {
      const time = record.timestamp === undefined ? now : Number(record.timestamp);
      if (index === 0 || time < first) first = time;
      if (index === 0 || time > max) max = time;
    }
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as PlainRecord;
      this.record(record, index, (record.timestamp === undefined ? now : Number(record.timestamp)) - first);
    }
    const end = this.at;
    this.at = begin - 4;
    this.int32(end - begin);
    this.int64(0n);
    this.int32(end - begin - BATCH_LENGTH_END);
    this.int32(0);
    buffer[this.at] = MAGIC;
    this.at = begin + BATCH_CRC_FROM;
    this.int16(typeof data.transactionalId === 'string' ? TRANSACTIONAL : 0);
    this.int32(records.length - 1);
    this.int64(BigInt(first));
    this.int64(BigInt(max));
    this.int64(BigInt(data.producerId.toString()));
    this.int16(data.producerEpoch);
    this.int32(firstSequence);
    this.int32(records.length);
    buffer.writeUInt32BE(crc32c(buffer.subarray(begin + BATCH_CRC_FROM, end)), begin + BATCH_CRC_AT);
    this.at = end;
  }

  private record(record: PlainRecord, offsetDelta: number, timestampDelta: number): void {
    // The length in front is written when the body's is known, right before it: the body is moved up to it.
    const begin = this.at;
    const body = begin + 5;
    this.at = body;
    this.buffer[this.at++] = 0;
    this.varLong(timestampDelta);
    this.varInt(offsetDelta);
    this.bytes(record.key);
    this.bytes(record.value);
    const { headers } = record;
    let count = 0;
    for (const name in headers) {
      const held = headers[name];
      count += Array.isArray(held) ? held.length : 1;
    }
    this.varInt(count);
    for (const name in headers) {
      const held = headers[name];
      for (const value of Array.isArray(held) ? held : [held]) {
        this.shortText(name);
        this.bytes(value);
      }
    }
    const end = this.at;
    this.at = begin;
    this.varInt(end - body);
    this.buffer.copyWithin(this.at, body, end);
    this.at += end - body;
  }

  private varInt(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  private varLong(value: number): void {
    if (value < 0x40000000 && value >= -0x40000000) {
      this.varInt(value);
      return;
    }
    const long = BigInt(value);
    let rest = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
    while (rest > 0x7fn) {
      this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.at++] = Number(rest);
  }

  private bytes(value: string | Buffer | null | undefined): void {
    if (value === null || value === undefined) {
      this.varInt(-1);
    } else if (typeof value === 'string') {
      this.shortText(value);
    } else {
      this.varInt(value.length);
      this.buffer.set(value, this.at);
      this.at += value.length;
    }
  }

  /** Most text of an event is short ASCII, which is quicker written here than by a call into native code. */
  private shortText(value: string): void {
    const begin = this.at;
    const { length } = value;
    if (length <= SHORT_TEXT) {
      this.varInt(length);
      let index = 0;
      for (; index < length; index += 1) {
        const unit = value.charCodeAt(index);
        if (unit > 0x7f) break;
        this.buffer[this.at++] = unit;
      }
      if (index === length) return;
      this.at = begin;
    }
    this.varInt(Buffer.byteLength(value));
    this.at += this.buffer.write(value, this.at, 'utf8');
  }
}

/** No fewer bytes than the request takes. */
function boundOf(data: ProduceData): number {
  let bound = 64 + (data.transactionalId?.length ?? 0) * UTF8_BYTES_PER_UNIT;
  for (const { topic, partitions } of data.topicData) {
    bound += 8 + topic.length * UTF8_BYTES_PER_UNIT;
    for (const { messages } of partitions) {
      bound += 8 + BATCH_HEADER_BYTES;
      for (const message of messages) bound += recordBound(message);
    }
  }
  return bound;
}

function recordBound(record: PlainRecord): number {
  let bound = RECORD_FRAME_BYTES + valueBound(record.key) + valueBound(record.value);
  const { headers } = record;
  for (const name in headers) {
    const held = headers[name];
    for (const value of Array.isArray(held) ? held : [held]) {
      bound += HEADER_FRAME_BYTES + name.length * UTF8_BYTES_PER_UNIT + valueBound(value);
    }
  }
  return bound;
}

function valueBound(value: string | Buffer | null | undefined): number {
  if (value === null || value === undefined) return 0;
  return typeof value === 'string' ? value.length * UTF8_BYTES_PER_UNIT : value.length;
}
