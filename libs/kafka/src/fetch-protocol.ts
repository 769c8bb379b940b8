/** Fetch, version 11, with sessions (KIP-227): the broker remembers the partitions, a request names what changed. */

export interface FetchPartition {
  topic: string;
  partition: number;
  offset: number;
}

export interface FetchRequest {
  sessionId: number;
  epoch: number;
  changed: readonly FetchPartition[];
  forgotten: readonly { topic: string; partition: number }[];
  maxWaitMs: number;
  /** Bytes of the answer at most, but always one batch; left out, what suits a reader of many partitions. */
  maxBytes?: number;
}

export interface FetchedPartition {
  topic: string;
  partition: number;
  errorCode: number;
  highWatermark: number;
  /** What is below it can be read: nothing of an open transaction. */
  lastStableOffset: number;
  aborted: { producerId: string; firstOffset: string }[];
  records: Buffer;
}

export interface FetchAnswer {
  errorCode: number;
  sessionId: number;
  partitions: FetchedPartition[];
}

export const FETCH = { apiKey: 1, apiVersion: 11, apiName: 'Fetch' } as const;

/** Bytes of an answer, and of one partition in it, at most; a single larger batch comes nevertheless. */
const MAX_BYTES = 10 * 1024 * 1024;
const MAX_PARTITION_BYTES = 1024 * 1024;
const READ_COMMITTED = 1;
const NO_REPLICA = -1;
const UNKNOWN = -1;

export function encodeFetch({ sessionId, epoch, changed, forgotten, maxWaitMs, maxBytes }: FetchRequest): Buffer {
  const byTopic = groupByTopic(changed);
  const goneByTopic = groupByTopic(forgotten);
  let size = 4 * 3 + 4 + 1 + 4 + 4 + 4 + 4 + 2;
  for (const [topic, partitions] of byTopic) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * 28;
  for (const [topic, partitions] of goneByTopic) size += 2 + Buffer.byteLength(topic) + 4 + partitions.length * 4;
  const buffer = Buffer.allocUnsafe(size);
  let at = buffer.writeInt32BE(NO_REPLICA, 0);
  at = buffer.writeInt32BE(maxWaitMs, at);
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeInt32BE(maxBytes ?? MAX_BYTES, at);
  at = buffer.writeInt8(READ_COMMITTED, at);
  at = buffer.writeInt32BE(sessionId, at);
  at = buffer.writeInt32BE(epoch, at);
  at = buffer.writeInt32BE(byTopic.size, at);
  for (const [topic, partitions] of byTopic) {
    at = writeTopic(buffer, at, topic, partitions.length);
    for (const { partition, offset } of partitions) {
      at = buffer.writeInt32BE(partition, at);
      at = buffer.writeInt32BE(UNKNOWN, at);
      at = buffer.writeBigInt64BE(BigInt(offset), at);
      at = buffer.writeBigInt64BE(BigInt(UNKNOWN), at);
      at = buffer.writeInt32BE(maxBytes ?? MAX_PARTITION_BYTES, at);
    }
  }
  at = buffer.writeInt32BE(goneByTopic.size, at);
  for (const [topic, partitions] of goneByTopic) {
    at = writeTopic(buffer, at, topic, partitions.length);
    for (const { partition } of partitions) at = buffer.writeInt32BE(partition, at);
  }
  buffer.writeInt16BE(0, at);
  return buffer;
}

export function decodeFetch(bytes: Buffer): FetchAnswer {
  let at = 4;
  const int32 = (): number => {
    const value = bytes.readInt32BE(at);
    at += 4;
    return value;
  };
  const int64 = (): bigint => {
    const value = bytes.readBigInt64BE(at);
    at += 8;
    return value;
  };
  const int16 = (): number => {
    const value = bytes.readInt16BE(at);
    at += 2;
    return value;
  };
  const errorCode = int16();
  const sessionId = int32();
  const partitions: FetchedPartition[] = [];
  for (let topics = int32(); topics > 0; topics -= 1) {
    const length = int16();
    const topic = bytes.toString('utf8', at, at + length);
    at += length;
    for (let count = int32(); count > 0; count -= 1) {
      const partition = int32();
      const partitionError = int16();
      const highWatermark = Number(int64());
      const lastStableOffset = Number(int64());
      at += 8;
      const aborted: FetchedPartition['aborted'] = [];
      for (let transactions = int32(); transactions > 0; transactions -= 1) {
        aborted.push({ producerId: String(int64()), firstOffset: String(int64()) });
      }
      at += 4;
      const size = Math.max(0, int32());
      partitions.push({
        topic,
        partition,
        errorCode: partitionError,
        highWatermark,
        lastStableOffset,
        aborted,
        records: bytes.subarray(at, at + size),
      });
      at += size;
    }
  }
  return { errorCode, sessionId, partitions };
}

function writeTopic(buffer: Buffer, from: number, topic: string, count: number): number {
  let at = buffer.writeInt16BE(Buffer.byteLength(topic), from);
  at += buffer.write(topic, at);
  return buffer.writeInt32BE(count, at);
}

function groupByTopic<T extends { topic: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return groups;
}
