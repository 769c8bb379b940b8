import { randomUUID } from 'node:crypto';
import type { Append, AppendOutcome, Event, EventLog, Position, StoredEvent } from '@heddle/event';

/** What the suite needs besides the port: how to look behind it, and how to make an append fail. */
export interface EventLogHarness {
  log: EventLog;
  /** An event whose data is `{ n }`. */
  event(n: number): Event;
  /** Turns an append into one that this log refuses for good. */
  refused(append: Append): Append;
  /** Puts a record under the key that is no event of ours. */
  putForeign(topic: string, key: string): Promise<void>;
  /** Where the records stand that were set aside. */
  setAside(): readonly Position[];
  /** Milliseconds that a topic keeps its records for; nothing for one that is not there. */
  retentionOf(topic: string): Promise<number | undefined>;
  /** What the group gave up on, and what is kept of why. */
  deadLetters(group: string): Promise<KeptLetter[]>;
  close(): Promise<void>;
}

export interface KeptLetter {
  id: string;
  code: string;
  reason: string;
  /** The class of the last error. */
  error: string;
  attempts: number;
}

export const PARTITIONS = 4;
export const WAIT = { timeout: 15_000, interval: 5 };

/** A new topic, for a real log is shared. */
export async function newTopicOf({ log }: EventLogHarness): Promise<string> {
  const topic = `contract-${randomUUID()}`;
  await log.ensureTopics([{ name: topic, partitions: PARTITIONS, cleanup: 'delete', retentionMs: -1 }]);
  return topic;
}

/** Appends events with these numbers, all of which must succeed. */
export async function appendAllTo(
  { log, event }: EventLogHarness,
  topic: string,
  key: string,
  ns: readonly number[],
): Promise<Position[]> {
  return (await log.append(ns.map((n) => ({ topic, key, event: event(n) })))).map(positionOf);
}

export function positionOf(outcome: AppendOutcome | undefined): Position {
  if (outcome === undefined) throw new Error('no outcome');
  if ('error' in outcome) throw outcome.error;
  return outcome.position;
}

export function numbers(events: readonly StoredEvent[]): number[] {
  return events.map((event) => (event.data as { n: number }).n);
}
