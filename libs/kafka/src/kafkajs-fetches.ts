import { decodeFetch } from './fetch-protocol.js';
import { type RecordOfBatch, decodeBatches, withoutAborted } from './record-batches.js';

/** What kafkajs' consumers take out of the answer to a fetch. */
interface FetchResponse {
  throttleTime: number;
  clientSideThrottleTime: number;
  errorCode: number;
  sessionId: number;
  responses: { topicName: string; partitions: object[] }[];
}

/**
 * Reads the answer to a fetch for kafkajs' consumers, as our own readers do: a batch that cannot be read does not stop
 * its partition, and what was aborted is passed over. Markers and aborted records are kept, for they move the position.
 */
export async function decodeFetchResponse(bytes: Buffer): Promise<FetchResponse> {
  const { errorCode, sessionId, partitions } = decodeFetch(bytes);
  const topics = new Map<string, object[]>();
  for (const {
    topic,
    partition,
    errorCode: ownError,
    highWatermark,
    lastStableOffset,
    aborted,
    records,
  } of partitions) {
    const batches = await decodeBatches(records);
    if (aborted.length > 0) hide(batches.records, new Set(withoutAborted(batches.records, aborted)));
    const read = {
      partition,
      errorCode: ownError,
      highWatermark: String(highWatermark),
      lastStableOffset: String(lastStableOffset),
      abortedTransactions: [],
      preferredReadReplica: -1,
      messages: batches.records,
    };
    const ofTopic = topics.get(topic);
    if (ofTopic === undefined) topics.set(topic, [read]);
    else ofTopic.push(read);
  }
  const responses = Array.from(topics, ([topicName, read]) => ({ topicName, partitions: read }));
  return { throttleTime: 0, clientSideThrottleTime: bytes.readInt32BE(0), errorCode, sessionId, responses };
}

/** kafkajs passes over control records by itself. */
function hide(records: readonly RecordOfBatch[], kept: ReadonlySet<RecordOfBatch>): void {
  for (const record of records) if (!kept.has(record)) record.isControlRecord = true;
}
