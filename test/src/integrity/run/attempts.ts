import { CONTROL_TOPICS } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { readTopic } from '../../support/foreign-kafka.js';
import type { FinalLine } from '../history.js';

/** A batch of attempts as it stands in the log; of its columns, those that are looked at here. */
interface Batch {
  contexts: [tenant: string, queue: string, uuid: string, cycle: string, topic: string, ...others: unknown[]][];
  rows: [
    context: number,
    partition: number,
    offset: number,
    id: string,
    key: string,
    attempt: number,
    begun: number,
    took: number,
    code: number,
    ...others: unknown[],
  ][];
}

/** In the code of a row: outcome + 4 × (1 + final state, or 0) + 16 × redelivery. */
const ACCEPTED = 1;

/** The acceptances that the gateway keeps. What it gave up stands in the dead letters. */
export async function* acceptances(kafka: Kafka): AsyncGenerator<FinalLine> {
  for (const { value } of await readTopic(kafka, CONTROL_TOPICS.attempts)) {
    if (value === null) continue;
    const { contexts, rows } = JSON.parse(value.toString()) as Batch;
    for (const [context, partition, offset, id, , attempts, , , code] of rows) {
      if (Math.floor(code / 4) % 4 !== ACCEPTED) continue;
      const [, queue, , cycle, topic] = contexts[context]!;
      const place = { queue, id, topic, partition, offset };
      yield { line: 'final', ...place, state: 'accepted', attempts, ...(cycle === '' ? {} : { cycle }) };
    }
  }
}
