import { createRequire } from 'node:module';
import type { KafkaMessage } from 'kafkajs';
import type { FetchedPartition } from './fetch-protocol.js';

type RecordOfBatch = KafkaMessage & { isControlRecord: boolean };

const require = createRequire(import.meta.url);

/** Bytes before the length of a batch ends, and where in it the last offset stands (KIP-98, record batch v2). */
const LENGTH_AT = 8;
const LENGTH_END = 12;
const LAST_OFFSET_DELTA_AT = 23;
const HEADER_BYTES = 61;

/** Records of a partition from an offset on, and the offset after the last batch, be there records in it or not. */
export interface DecodedRecords {
  messages: KafkaMessage[];
  next: number;
}

/** Reads whole batches; a batch cut off at the end of an answer comes again with the next one. */
export async function decodeRecords({ records, aborted }: FetchedPartition, from: number): Promise<DecodedRecords> {
  const { Decoder, decodeBatch, filterAborted } = parts();
  const found: RecordOfBatch[] = [];
  let next = from;
  let at = 0;
  while (records.length - at >= HEADER_BYTES) {
    const size = LENGTH_END + records.readInt32BE(at + LENGTH_AT);
    if (records.length - at < size) break;
    // Compaction takes records out of a batch, but leaves its offsets: what follows is counted by the batch.
    next = Math.max(next, Number(records.readBigInt64BE(at)) + records.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1);
    const batch = await decodeBatch(new Decoder(records.subarray(at, at + size)));
    for (const record of batch.records) if (Number(record.offset) >= from) found.push(record);
    at += size;
  }
  const kept = aborted.length === 0 ? found : filterAborted({ messages: found, abortedTransactions: aborted });
  return { messages: kept.filter((record) => !record.isControlRecord), next };
}

interface Parts {
  Decoder: new (bytes: Buffer) => object;
  decodeBatch(decoder: object): Promise<{ records: RecordOfBatch[] }>;
  filterAborted(from: { messages: RecordOfBatch[]; abortedTransactions: FetchedPartition['aborted'] }): RecordOfBatch[];
}

let loaded: Parts | undefined;

/** kafkajs' own, found when first needed: by then its record decoder has been replaced. */
function parts(): Parts {
  loaded ??= {
    Decoder: require('kafkajs/src/protocol/decoder') as Parts['Decoder'],
    decodeBatch: require('kafkajs/src/protocol/recordBatch/v0/decoder') as Parts['decodeBatch'],
    filterAborted: require('kafkajs/src/consumer/filterAbortedMessages') as Parts['filterAborted'],
  };
  return loaded;
}
