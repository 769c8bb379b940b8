import { CONTROL_TOPICS, type EventLog, type StoredEvent } from '@heddle/event';
import type { AttemptBatch } from '../ledger/attempt-batch.js';
import { FINAL_STATES } from '../ledger/attempt.js';

/** Deliveries that have ended, as `topic/partition/offset`, by the uuid of their queue or side lane. */
export type EndedTail = ReadonlyMap<string, ReadonlySet<string>>;

/** Records looked at in each partition: one of attempts has up to 500 of them. What `state-writer.ts` holds back is less. */
const ATTEMPT_RECORDS = 64;
const LETTERS = 32;
const ACCEPTED = 1 + FINAL_STATES.indexOf('accepted');

/**
 * What earlier owners wrote last to `heddle.attempts` and `heddle.dead-letters`. Both are durable a moment before the
 * progress that passes them: an owner that died in between had ended a delivery and could not say so there. What is
 * found here is not delivered again. That an attempt was the last one is no reason: its letter may be missing.
 */
export async function endedTail(eventLog: EventLog, slots: readonly number[]): Promise<EndedTail> {
  const ended = new Map<string, Set<string>>();
  await Promise.all([
    // The slot of a queue is the partition of its attempts: both come from the same key. Letters go by theirs.
    readTail(eventLog, CONTROL_TOPICS.attempts, ATTEMPT_RECORDS, ({ data }) => noteAttempts(ended, data), slots),
    readTail(eventLog, CONTROL_TOPICS.deadLetters, LETTERS, (letter) => noteLetter(ended, letter)),
  ]);
  return ended;
}

async function readTail(
  eventLog: EventLog,
  topic: string,
  records: number,
  take: (event: StoredEvent) => void,
  partitions?: readonly number[],
): Promise<void> {
  const bounds = await eventLog.bounds(topic);
  await Promise.all(
    bounds.map(async ({ partition, earliest, end }) => {
      if (partitions?.includes(partition) === false) return;
      let offset = Math.max(earliest, end - records);
      while (offset < end) {
        const { events, nextOffset } = await eventLog.fetch({ topic, partition, offset });
        for (const event of events) take(event);
        if (nextOffset <= offset) return;
        offset = nextOffset;
      }
    }),
  );
}

function noteAttempts(ended: Map<string, Set<string>>, data: unknown): void {
  const { contexts, rows } = data as AttemptBatch;
  for (const [context, partition, offset, , , , , , code] of rows) {
    if (((code >> 2) & 3) !== ACCEPTED) continue;
    const [, , uuid, cycle, topic] = contexts[context]!;
    note(ended, { uuid, cycle, place: `${topic}/${partition}/${offset}` });
  }
}

function noteLetter(ended: Map<string, Set<string>>, { notes = {} }: StoredEvent): void {
  const uuid = notes['heddle-queue-uuid'];
  if (uuid === undefined) return;
  const place = `${notes['heddle-topic']}/${notes['heddle-partition']}/${notes['heddle-offset']}`;
  note(ended, { uuid, cycle: notes['heddle-cycle'] ?? '', place });
}

/** A side lane is known by its cycle. What was redriven is placed by its letter, and nothing is found of it here. */
function note(
  ended: Map<string, Set<string>>,
  { uuid, cycle, place }: { uuid: string; cycle: string; place: string },
): void {
  const owner = cycle === '' ? uuid : cycle;
  let places = ended.get(owner);
  if (places === undefined) ended.set(owner, (places = new Set()));
  places.add(place);
}
