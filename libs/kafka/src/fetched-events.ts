import { setImmediate as turn } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import type { FetchedBatch, Position, StoredEvent } from '@heddle/event';
import { decodeRecord } from './event-decoder.js';
import type { LogParts } from './kafka-reader.js';
import type { FetchedRecords } from './single-fetches.js';

/** Events decoded in one go: a page is a thousand and more, and what is live beside it shall not wait for all of them. */
const EVENTS_PER_TURN = 64;

/**
 * The events among the records of one fetch, up to about `maxBytes` of data but at least one. What is no event is set
 * aside, as readers do it. A schema that cannot be had right now ends the batch before its record.
 *
 * @throws HeddleError the registry's, retryable, when that record is the first.
 */
export async function eventsOf(
  { decoder, setAside }: Pick<LogParts, 'decoder' | 'setAside'>,
  { topic, partition }: Position,
  { from, messages, next, end }: FetchedRecords,
  maxBytes: number,
): Promise<FetchedBatch> {
  const events: StoredEvent[] = [];
  const upTo = (nextOffset: number): FetchedBatch => ({ topic, partition, from, events, nextOffset, end });
  let bytes = 0;
  for (const message of messages) {
    const offset = Number(message.offset);
    if (bytes >= maxBytes && events.length > 0) return upTo(offset);
    let record = decodeRecord(decoder, topic, partition, message);
    if ('needs' in record) {
      const { needs } = record;
      const problem = await decoder.load(needs).catch((error: unknown) => error);
      if (problem instanceof HeddleError && problem.retryable) {
        if (offset > from) return upTo(offset);
        throw problem;
      }
      record =
        problem === undefined
          ? decodeRecord(decoder, topic, partition, message)
          : { reason: 'schema-unknown', detail: `The registry has no schema ${needs}.` };
    }
    if ('reason' in record) {
      setAside.add(topic, partition, message, record);
    } else if (!('needs' in record)) {
      events.push(record);
      bytes += record.value.length;
      if (events.length % EVENTS_PER_TURN === 0) await turn();
    }
  }
  return upTo(next);
}
