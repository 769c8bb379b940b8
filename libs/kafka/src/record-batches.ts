import type { KafkaMessage } from 'kafkajs';
import { MAX_UNPACKED_BYTES, unpack } from './compression-codecs.js';
import type { FetchedPartition } from './fetch-protocol.js';
import { decodeAll, type BatchContext } from './record-decoder.js';

/** A record as kafkajs has it inside, and as its users get it. */
export type RecordOfBatch = KafkaMessage & {
  isControlRecord: boolean;
  batchContext: BatchContext;
  /** Why nobody can read the batch that this stands for. */
  unreadable?: string;
};

/** Where things stand in a record batch of format v2 (KIP-98). What is before the magic byte is so in every format. */
const AT = {
  length: 8,
  magic: 16,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
const LENGTH_END = 12;
const LEAST_BYTES = 17;
const MAGIC = 2;
const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const IN_TRANSACTION = 0x10;
const IS_CONTROL = 0x20;
const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);
/** Of a batch that cannot be read, so many bytes are shown; all of it stays where it is. */
const SHOWN_BYTES = 256 * 1024;

/** Records of a partition from an offset on, and the offset after the last batch, be there records in it or not. */
export interface DecodedRecords {
  messages: KafkaMessage[];
  next: number;
}

/** Reads whole batches; a batch cut off at the end of an answer comes again with the next one. */
export async function decodeRecords({ records, aborted }: FetchedPartition, from: number): Promise<DecodedRecords> {
  const batches = await decodeBatches(records);
  const kept = withoutAborted(batches.records, aborted);
  return {
    messages: kept.filter((record) => Number(record.offset) >= from && !record.isControlRecord),
    next: Math.max(from, batches.next),
  };
}

/**
 * The records of all batches. One that cannot be read is a record of its own, at its last offset: who stopped there
 * would never come to those behind it. What is unpacked at once is bounded; the rest comes with the next fetch.
 */
export async function decodeBatches(bytes: Buffer): Promise<{ records: RecordOfBatch[]; next: number }> {
  const records: RecordOfBatch[] = [];
  let next = 0;
  let unpacked = 0;
  for (let at = 0; bytes.length - at >= LEAST_BYTES && unpacked < MAX_UNPACKED_BYTES;) {
    const end = at + LENGTH_END + bytes.readInt32BE(at + AT.length);
    if (end > bytes.length || end - at < LEAST_BYTES) break;
    const batch = bytes.subarray(at, end);
    at = end;
    // Compaction takes records out of a batch, but leaves its offsets: what follows is counted by the batch.
    next = lastOffsetOf(batch) + 1;
    unpacked += await addRecords(batch, records);
  }
  return { records, next };
}

/** Adds the records of one batch; returns how many bytes they have. */
async function addRecords(batch: Buffer, to: RecordOfBatch[]): Promise<number> {
  const before = to.length;
  const context = contextOf(batch);
  try {
    if (context.magicByte !== MAGIC) throw new RangeError(`its format, ${context.magicByte}, is of before Kafka 0.11`);
    const compression = batch.readInt16BE(AT.attributes) & COMPRESSION;
    const packed = batch.subarray(AT.records);
    const count = batch.readInt32BE(AT.count);
    const body = compression === 0 || count === 0 ? packed : await unpack(compression, packed);
    for (const record of decodeAll(body, count, context)) to.push(record as unknown as RecordOfBatch);
    return body.length;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    to.length = before;
    to.push({
      attributes: 0,
      timestamp: context.maxTimestamp,
      offset: String(lastOffsetOf(batch)),
      key: null,
      value: batch.subarray(0, SHOWN_BYTES),
      headers: {},
      isControlRecord: false,
      batchContext: context,
      unreadable: `The batch of the offsets ${context.firstOffset} to ${lastOffsetOf(batch)} cannot be read: ${why.slice(0, 200)}.`,
    });
    return batch.length;
  }
}

function lastOffsetOf(batch: Buffer): number {
  const delta = batch.readInt8(AT.magic) === MAGIC ? batch.readInt32BE(AT.lastOffsetDelta) : 0;
  return Number(batch.readBigInt64BE(0)) + delta;
}

function contextOf(batch: Buffer): BatchContext {
  const firstOffset = String(batch.readBigInt64BE(0));
  const magicByte = batch.readInt8(AT.magic);
  if (magicByte !== MAGIC || batch.length < AT.records) {
    return {
      firstOffset,
      firstTimestamp: '-1',
      magicByte,
      isControlBatch: false,
      timestampType: 0,
      maxTimestamp: '-1',
    };
  }
  const attributes = batch.readInt16BE(AT.attributes);
  return {
    firstOffset,
    firstTimestamp: String(batch.readBigInt64BE(AT.firstTimestamp)),
    magicByte,
    isControlBatch: (attributes & IS_CONTROL) !== 0,
    timestampType: (attributes & LOG_APPEND_TIME) === 0 ? 0 : 1,
    maxTimestamp: String(batch.readBigInt64BE(AT.maxTimestamp)),
    producerId: String(batch.readBigInt64BE(AT.producerId)),
    inTransaction: (attributes & IN_TRANSACTION) !== 0,
  };
}

/**
 * The records without those of transactions that were aborted: from the first offset of each, which the broker names,
 * to the producer's marker (KIP-98). kafkajs takes any record with a key of four zero bytes for a marker, and enters one
 * transaction a record only.
 */
export function withoutAborted(
  records: readonly RecordOfBatch[],
  aborted: FetchedPartition['aborted'],
): readonly RecordOfBatch[] {
  if (aborted.length === 0) return records;
  const begins = aborted.toSorted((one, other) => Number(one.firstOffset) - Number(other.firstOffset));
  const aborting = new Set<string>();
  let entered = 0;
  return records.filter(({ offset, isControlRecord, key, batchContext: { producerId = '', inTransaction } }) => {
    for (; entered < begins.length && Number(begins[entered]!.firstOffset) <= Number(offset); entered += 1) {
      aborting.add(begins[entered]!.producerId);
    }
    if (!isControlRecord) return inTransaction !== true || !aborting.has(producerId);
    if (key?.equals(ABORT_MARKER) === true) aborting.delete(producerId);
    return true;
  });
}
