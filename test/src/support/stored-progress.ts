import { CONTROL_TOPICS } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { readTopic } from './foreign-kafka.js';

interface ProgressRecord {
  queue: string;
  topic: string;
  partition: number;
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
    if (record.queue === queue) latest.set(`${record.topic}/${record.partition}`, record);
  }
  return places.filter(({ topic, partition, offset }) => {
    const record = latest.get(`${topic}/${partition}`);
    return record !== undefined && offset < record.through && !record.unsettled.some(([open]) => open === offset);
  });
}
