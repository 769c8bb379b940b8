import { CONTROL_TOPICS } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { readTopic } from './foreign-kafka.js';

interface ProgressRecord {
  queue: string;
  topic: string;
  partition: number;
  epoch: number;
  through: number;
  unsettled: [offset: number, attempts: number, dueAt: number][];
}

export interface Place {
  topic: string;
  partition: number;
  offset: number;
}

/** Which of these places are settled in what the log says of a queue's progress: what a takeover would find. */
export async function settledOf(kafka: Kafka, queue: string, places: readonly Place[]): Promise<Place[]> {
  const latest = new Map<string, ProgressRecord>();
  for (const { value } of await readTopic(kafka, CONTROL_TOPICS.progress)) {
    if (value === null) continue;
    const record = JSON.parse(value.toString()) as ProgressRecord;
    const at = `${record.topic}/${record.partition}`;
    // An owner of before may write late; it is the present one that says how far the queue is.
    if (record.queue === queue && record.epoch >= (latest.get(at)?.epoch ?? 0)) latest.set(at, record);
  }
  return places.filter(({ topic, partition, offset }) => {
    const record = latest.get(`${topic}/${partition}`);
    return record !== undefined && offset < record.through && !record.unsettled.some(([open]) => open === offset);
  });
}
