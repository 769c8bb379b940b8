import { KafkaEventLog } from '@heddle/kafka';
import { AVRO_CONTENT_TYPE, type Append, objectTopicSpec } from '@heddle/event';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { BARE_TOPIC, BARE_TOPIC_PARTITIONS } from '../bare-topic.js';
import { nowMicros } from '../latencies.js';
import { paced } from '../pace.js';
import { EVENT_SOURCE, EVENT_TYPE, eventData, keyOf, remarkFor, stampedId } from '../sample-event.js';
import { answer } from './answer.js';

export interface AppendLoad {
  topic: string;
  perSecond: number;
  seconds: number;
  keys: number;
  eventBytes: number;
}

export interface Fill {
  topic: string;
  events: number;
  keys: number;
  /** The number of the first key; 0 when left out. */
  firstKey?: number;
  eventBytes: number;
}

export type EventAppend = {
  connect(options: { brokers: string[]; registryUrl: string }): Promise<void>;
  /** Resolves with the number of events appended, when all are acknowledged. */
  append(load: AppendLoad): Promise<number>;
  /** Appends so many events, numbered from zero, as fast as the log takes them. */
  fill(fill: Fill): Promise<void>;
};

/** Events of one call when filling, and calls at a time. */
const FILLED_AT_ONCE = 500;
const FILLERS = 4;

let eventLog: KafkaEventLog | undefined;
let encode: (data: unknown) => Buffer = () => Buffer.alloc(0);

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
  const total = await paced(perSecond, seconds, (number) => outcomes.push(appendOne(topic, number, keys, remark)));
  await Promise.all(outcomes);
  return total;
}

async function appendOne(topic: string, number: number, keys: number, remark: string): Promise<void> {
  const [outcome] = (await eventLog?.append([stamped(topic, number, number % keys, remark)])) ?? [];
  if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? new Error('Not connected.');
}

async function fill({ topic, events, keys, firstKey = 0, eventBytes }: Fill): Promise<void> {
  const remark = remarkFor(eventBytes);
  let count = 0;
  const fillNext = async (): Promise<void> => {
    while (count < events) {
      const appends: Append[] = [];
      while (appends.length < FILLED_AT_ONCE && count < events) {
        appends.push(stamped(topic, count, firstKey + (count % keys), remark));
        count += 1;
      }
      const outcomes = (await eventLog?.append(appends)) ?? [];
      for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
    }
  };
  await Promise.all(Array.from({ length: FILLERS }, fillNext));
}

/** The id begins with the time of the append, so that whoever receives the event knows how long it took. */
function stamped(topic: string, number: number, keyNumber: number, remark: string): Append {
  const key = keyOf(keyNumber);
  const value = encode(eventData(key, remark));
  const attributes = {
    id: stampedId(nowMicros(), number),
    source: EVENT_SOURCE,
    type: EVENT_TYPE,
    subject: key,
    time: new Date().toISOString(),
    datacontenttype: AVRO_CONTENT_TYPE,
    partitionkey: key,
  };
  return { topic, key, event: { attributes, value } };
}

answer({ connect, append, fill } satisfies EventAppend, () => eventLog?.close());
