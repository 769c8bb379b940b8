import type { Append } from '@heddle/event';
import { objectTopicSpec } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import {
  type Database,
  Outbox,
  type OutboxTables,
  type Raise,
  Relay,
  createOutboxTables,
  openDatabase,
} from '@heddle/outbox';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { Latencies, nowMicros } from '../latencies.js';
import { paced } from '../pace.js';
import { EVENT_TOPIC, EVENT_TYPE, eventData, keyOf, remarkFor } from '../sample-event.js';
import { answer } from './answer.js';

export interface OutboxGround {
  brokers: string[];
  registryUrl: string;
  databaseUrl: string;
  keys: number;
  eventBytes: number;
}

export interface Steady {
  perSecond: number;
  seconds: number;
}

export type OutboxService = {
  open(ground: OutboxGround): Promise<void>;
  /** Raises so many events while no relay runs. */
  fill(events: number): Promise<void>;
  /** Runs a relay until all that is stored has been appended; resolves with the events and seconds it took. */
  drain(input: undefined): Promise<{ events: number; seconds: number }>;
  /** Raises one event a transaction beside a running relay: encoded latencies from commit to append. */
  steady(load: Steady): Promise<string>;
  /** Appends the events of the last drain once more, without any outbox: seconds. */
  appendDirectly(input: undefined): Promise<number>;
};

/** Transactions at a time while filling, and events in each. */
const WRITERS = 4;
const EVENTS_PER_FILL = 100;
const DATABASE = 'bench_outbox';
const PARTITIONS = 12;
/** Events of one call when appending directly: what a relay reads in one go. */
const APPENDED_AT_ONCE = 512;
/** Connections to the database at most, as the services have by default. */
const POOL = 10;

let keys = 1;
let remark = '';
let database: Database<OutboxTables>;
let eventLog: KafkaEventLog;
let outbox: Outbox;
let stored = 0;
let appended: Append[] = [];
let raised = 0;
/** By the version in its reference, which is the number of the event here. */
const committedAt = new Map<number, number>();
const appendedAt = new Map<number, number>();
let onAppend: () => void = () => undefined;

/** The event log, with a note of when each event was acknowledged. */
const watched = {
  async append(appends: readonly Append[]) {
    const outcomes = await eventLog.append(appends);
    const now = nowMicros();
    for (const [index, append] of appends.entries()) {
      if ('error' in (outcomes[index] ?? { error: true })) continue;
      appendedAt.set(numberOf(append), now);
      appended.push(append);
    }
    onAppend();
    return outcomes;
  },
};

function numberOf({ event }: Append): number {
  return Number(/version=(\d+)$/.exec(event.attributes['dataref'] ?? '')?.[1]);
}

async function open(ground: OutboxGround): Promise<void> {
  keys = ground.keys;
  remark = remarkFor(ground.eventBytes);
  const registry = new ConfluentSchemaRegistry({ url: ground.registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  eventLog = new KafkaEventLog({ brokers: ground.brokers, clientId: 'bench', codec });
  await eventLog.ensureTopics([objectTopicSpec(EVENT_TOPIC, PARTITIONS)]);
  database = await openDatabase<OutboxTables>({
    url: ground.databaseUrl,
    database: DATABASE,
    pool: POOL,
    migrations: { '001-outbox': createOutboxTables },
  });
  outbox = new Outbox({ catalogue, codec, source: '/bench' });
  await outbox.prepare([EVENT_TYPE]);
  catalogue.close();
}

function nextRaise(): Raise {
  raised += 1;
  const key = keyOf(raised % keys);
  return { type: EVENT_TYPE, key, data: eventData(key, remark), version: raised };
}

async function raise(raises: readonly Raise[]): Promise<void> {
  await database.db.transaction().execute((tx) => outbox.raise(tx, raises));
}

async function fill(events: number): Promise<void> {
  let left = events;
  const write = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(left, EVENTS_PER_FILL);
      left -= count;
      await raise(Array.from({ length: count }, nextRaise));
      stored += count;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

async function drain(): Promise<{ events: number; seconds: number }> {
  const events = stored;
  appended = [];
  const begun = performance.now();
  const relay = startRelay();
  await until(() => appended.length >= events);
  const seconds = (performance.now() - begun) / 1000;
  await relay.stop();
  stored = 0;
  return { events, seconds };
}

async function steady({ perSecond, seconds }: Steady): Promise<string> {
  committedAt.clear();
  appendedAt.clear();
  const relay = startRelay();
  const commits: Promise<void>[] = [];
  const total = await paced(perSecond, seconds, () => commits.push(commitOne(relay)));
  await Promise.all(commits);
  await until(() => appendedAt.size >= total);
  await relay.stop();
  const latencies = new Latencies();
  // An append that was acknowledged before this process learnt of the commit took no time.
  for (const [number, at] of committedAt) latencies.record(Math.max(1, (appendedAt.get(number) ?? Infinity) - at));
  return latencies.encoded();
}

async function commitOne(relay: Relay): Promise<void> {
  const next = nextRaise();
  await raise([next]);
  committedAt.set(next.version, nowMicros());
  relay.wake();
}

async function appendDirectly(): Promise<number> {
  const events = appended;
  const begun = performance.now();
  const calls: Promise<unknown>[] = [];
  for (let at = 0; at < events.length; at += APPENDED_AT_ONCE) {
    calls.push(eventLog.append(events.slice(at, at + APPENDED_AT_ONCE)));
  }
  await Promise.all(calls);
  return (performance.now() - begun) / 1000;
}

function startRelay(): Relay {
  const quiet = { info: () => undefined, warn: () => undefined };
  const relay = new Relay({ database, eventLog: watched, log: quiet });
  relay.start();
  return relay;
}

/** Looked at again after each append. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    onAppend = () => {
      if (!holds()) return;
      onAppend = () => undefined;
      resolve();
    };
    onAppend();
  });
}

answer({ open, fill, drain, steady, appendDirectly } satisfies OutboxService, async () => {
  await eventLog?.close();
  await database?.close();
});
