import { KafkaEventLog } from '@heddle/kafka';
import { AVRO_CONTENT_TYPE, type Append, objectTopicSpec } from '@heddle/event';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { BARE_TOPIC, BARE_TOPIC_PARTITIONS } from '../bare-topic.js';
import { nowMicros } from '../latencies.js';
import { paced } from '../pace.js';
import { EVENT_SOURCE, EVENT_TYPE, eventData, keyOf, remarkFor } from '../sample-event.js';
import { answer } from './answer.js';

export interface AppendLoad {
  topic: string;
  perSecond: number;
  seconds: number;
  keys: number;
  eventBytes: number;
}

export type EventAppend = {
  connect(options: { brokers: string[]; registryUrl: string }): Promise<void>;
  /** Resolves with the number of events appended, when all are acknowledged. */
  append(load: AppendLoad): Promise<number>;
};

let eventLog: KafkaEventLog | undefined;
let encode: (data: unknown) => Buffer = () => Buffer.alloc(0);
let count = 0;

async function connect({ brokers, registryUrl }: { brokers: string[]; registryUrl: string }): Promise<void> {
  const registry = new ConfluentSchemaRegistry({ url: registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const { schemaId } = await catalogue.find(EVENT_TYPE);
  catalogue.close();
  await codec.load(schemaId);
  encode = (data) => codec.encode(schemaId, data);
  eventLog = new KafkaEventLog({ brokers, clientId: 'bench', codec });
  await eventLog.ensureTopics([objectTopicSpec(BARE_TOPIC, BARE_TOPIC_PARTITIONS)]);
}

async function append({ topic, perSecond, seconds, keys, eventBytes }: AppendLoad): Promise<number> {
  const remark = remarkFor(eventBytes);
  const outcomes: Promise<void>[] = [];
  const total = await paced(perSecond, seconds, () => outcomes.push(appendOne(topic, keyOf(count++ % keys), remark)));
  await Promise.all(outcomes);
  return total;
}

async function appendOne(topic: string, key: string, remark: string): Promise<void> {
  const [outcome] = (await eventLog?.append([stamped(topic, key, remark)])) ?? [];
  if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? new Error('Not connected.');
}

/** The id begins with the time of the append, so that whoever receives the event knows how long it took. */
function stamped(topic: string, key: string, remark: string): Append {
  const value = encode(eventData(key, remark));
  const attributes = {
    id: `${String(nowMicros()).padStart(16, '0')}-${count}`,
    source: EVENT_SOURCE,
    type: EVENT_TYPE,
    subject: key,
    time: new Date().toISOString(),
    datacontenttype: AVRO_CONTENT_TYPE,
    partitionkey: key,
  };
  return { topic, key, event: { attributes, value } };
}

answer({ connect, append } satisfies EventAppend, () => eventLog?.close());
