import { CONTROL_TOPICS, SLOT_COUNT } from '@heddle/event';
import { KafkaControlLog } from '@heddle/kafka';
import { AvroCodec, ConfluentSchemaRegistry, schemaIdOf } from '@heddle/schema';
import type { Kafka } from 'kafkajs';
import pg from 'pg';
import { type LogRecord, readTopic } from '../../support/foreign-kafka.js';
import type { FinalLine, ProgressLine, RecordLine } from '../history.js';
import { type HistoryLog, contentOf, digestOf } from './history-log.js';

export const TOPICS = ['sales-order', 'contract'] as const;

/** Writes down what the topics hold of events. Resolves to how many records there are. */
export async function collectRecords(kafka: Kafka, registryUrl: string, log: HistoryLog): Promise<RecordLine[]> {
  const codec = new AvroCodec(new ConfluentSchemaRegistry({ url: registryUrl }));
  const lines: RecordLine[] = [];
  for (const topic of TOPICS) {
    for (const record of await readTopic(kafka, topic)) {
      const line = await recordLine(codec, record);
      lines.push(line);
      log.write(line);
    }
  }
  return lines;
}

async function recordLine(codec: AvroCodec, record: LogRecord): Promise<RecordLine> {
  const { topic, partition, offset, key = '', headers, value } = record;
  const bytes = value ?? Buffer.alloc(0);
  const schemaId = schemaIdOf(bytes);
  await codec.load(schemaId);
  const sequence = headers['ce_sequence'];
  return {
    line: 'record',
    topic,
    partition,
    offset,
    key,
    id: headers['ce_id'] ?? '',
    type: headers['ce_type'] ?? '',
    ...(sequence === undefined ? {} : { sequence: Number(sequence) }),
    bytes: digestOfRecord(record),
    content: contentOf(codec.decode(bytes).data),
  };
}

/** Of the attributes and the value: what whoever keeps an event must keep. */
function digestOfRecord({ headers, value }: LogRecord): string {
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith('ce_') || name === 'content-type');
  return digestOf(JSON.stringify([attributes.toSorted(), value?.toString('base64')]));
}

/** Writes down what the database holds of orders. */
export async function collectObjects(databaseUrl: string, log: HistoryLog): Promise<void> {
  const rows = await ask<{ key: string; version: string; events: string }>(
    databaseUrl,
    `select key, version, (select sequence from object_counter c where c.topic = 'sales-order' and c.key = o.key) events
     from sales_order o`,
  );
  for (const { key, version, events } of rows) {
    log.write({ line: 'object', topic: 'sales-order', key, version: Number(version), events: Number(events) });
  }
}

/** Events that no relay has marked as appended yet. */
export async function unsentEvents(databaseUrl: string): Promise<number> {
  const [row] = await ask<{ count: string }>(databaseUrl, 'select count(*) from outbox');
  return Number(row?.count);
}

async function ask<R extends pg.QueryResultRow>(serverUrl: string, query: string): Promise<R[]> {
  const url = new URL(serverUrl);
  url.pathname = '/sales_order';
  const client = new pg.Client({ connectionString: url.href, application_name: 'integrity' });
  await client.connect();
  try {
    return (await client.query<R>(query)).rows;
  } finally {
    await client.end();
  }
}

/** Dead letters of queues, as the topic has them now: those that are known. */
export async function deadLetters(kafka: Kafka, known: ReadonlySet<string>): Promise<FinalLine[]> {
  const records = await readTopic(kafka, CONTROL_TOPICS.deadLetters);
  return records
    .filter(({ partition, offset }) => known.has(`${partition}-${offset}`))
    .filter(({ headers }) => headers['heddle-queue'] !== undefined)
    .map((record): FinalLine => {
      const note = (name: string): string => record.headers[`heddle-${name}`] ?? '';
      return {
        line: 'final',
        queue: note('queue'),
        ...(note('cycle') === '' ? {} : { cycle: note('cycle') }),
        id: record.headers['ce_id'] ?? '',
        topic: note('topic'),
        partition: Number(note('partition')),
        offset: Number(note('offset')),
        state: 'dead',
        attempts: Number(note('attempts')),
        reason: note('reason'),
        bytes: digestOfRecord(record),
      };
    });
}

/**
 * Writes down how the queues noted their progress. The topic is compacted, and the gateway's own reader of such topics
 * is used: kafkajs does not come to the end of one whose last batch lost its records.
 */
export async function collectProgress(brokers: readonly string[], log: HistoryLog): Promise<void> {
  const control = new KafkaControlLog({ brokers: [...brokers], clientId: 'integrity' });
  const slots = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
  try {
    await control.load(CONTROL_TOPICS.progress, slots, ({ offset, value }) => {
      if (value === null || value === undefined) return;
      const stored = value as Omit<ProgressLine, 'line' | 'at'> & { uuid: string };
      const { uuid: queue, topic, partition, epoch, positionEpoch, contiguous, through } = stored;
      log.write({ line: 'progress', queue, topic, partition, epoch, positionEpoch, contiguous, through, at: offset });
    });
  } finally {
    await control.close();
  }
}
