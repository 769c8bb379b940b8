import { partitionOf } from './murmur2.js';

/** The tenant whose topics have no name in front. */
export const LOCAL_TENANT = 'local';

/** How many ownership slots there are: the partition count of every slotted control topic, fixed for life. */
export const SLOT_COUNT = 32;

/**
 * Heddle's own topics. `queues`, `progress` and `parked` share one partition count and place their records by the slot
 * of (tenant, queue), so that the owner of a slot owns all that belongs to its queues.
 * `operations` has what operators want to hear of (a webhook failing, recovered, disabled), `audit` who did what.
 * `clients` has who may come in, `keys` wrapped data keys and the signing keys of access tokens, `retained` the messages that
 * MQTT gives to whoever subscribes to their topics later, `mqtt` (slotted, too) which packet ids of its sessions are over.
 */
export const CONTROL_TOPICS = {
  queues: 'heddle.queues',
  progress: 'heddle.progress',
  parked: 'heddle.parked',
  deadLetters: 'heddle.dead-letters',
  attempts: 'heddle.attempts',
  operations: 'heddle.operations',
  audit: 'heddle.audit',
  setAside: 'heddle.set-aside',
  clients: 'heddle.clients',
  keys: 'heddle.keys',
  retained: 'heddle.retained',
  mqtt: 'heddle.mqtt',
} as const;

/**
 * What was published to an address that no event type knows stands here, in a topic of each tenant (`acme.heddle.raw`):
 * bytes as they came, in an envelope of CloudEvents attributes with the address among them.
 */
export const RAW_TOPIC = 'heddle.raw';

/** The event type of a raw message that did not bring one. */
export const RAW_TYPE = 'heddle.raw.v1.Message.Published.v1';

/** The topic of a business object: its name, with the tenant in front unless that is the local one. */
export function topicOf(object: string, tenant: string = LOCAL_TENANT): string {
  return tenant === LOCAL_TENANT ? object : `${tenant}.${object}`;
}

/** The tenant whose events are in the topic of a business object: what stands before its dot. */
export function tenantOf(topic: string): string {
  const dot = topic.indexOf('.');
  return dot < 0 || topic === RAW_TOPIC ? LOCAL_TENANT : topic.slice(0, dot);
}

/** The business object whose events are in a topic, without the tenant; {@link RAW_TOPIC} for that of raw messages. */
export function objectOf(topic: string): string {
  return topic === RAW_TOPIC ? topic : topic.slice(topic.indexOf('.') + 1);
}

/** Whether a topic has the raw messages of a tenant. */
export function isRawTopic(topic: string): boolean {
  return topic === RAW_TOPIC || topic.endsWith(`.${RAW_TOPIC}`);
}

/** The slot, 0 to 31, that a queue of a tenant lives in. */
export function slotOf(tenant: string, queue: string): number {
  return partitionOf(`${tenant}/${queue}`, SLOT_COUNT);
}

/** How a topic is to be created. */
export interface TopicSpec {
  name: string;
  partitions: number;
  /** `compact` keeps the last record of each key, `delete` all records of the retention time. */
  cleanup: 'delete' | 'compact';
  /** Milliseconds; −1 keeps events without limit. */
  retentionMs?: number;
  /** Bytes of a segment; small ones let compaction and a takeover read little. */
  segmentBytes?: number;
}

const SLOTTED = { partitions: SLOT_COUNT, cleanup: 'compact', segmentBytes: 16 * 1024 * 1024 } as const;

/** The specs of Heddle's own topics. */
export const CONTROL_TOPIC_SPECS: readonly TopicSpec[] = [
  { name: CONTROL_TOPICS.queues, ...SLOTTED },
  { name: CONTROL_TOPICS.progress, ...SLOTTED },
  { name: CONTROL_TOPICS.parked, ...SLOTTED },
  { name: CONTROL_TOPICS.mqtt, ...SLOTTED },
  { name: CONTROL_TOPICS.deadLetters, partitions: SLOT_COUNT, cleanup: 'delete', retentionMs: -1 },
  { name: CONTROL_TOPICS.attempts, partitions: SLOT_COUNT, cleanup: 'delete', retentionMs: 7 * 86_400_000 },
  { name: CONTROL_TOPICS.operations, partitions: 1, cleanup: 'delete', retentionMs: 30 * 86_400_000 },
  { name: CONTROL_TOPICS.audit, partitions: 1, cleanup: 'delete', retentionMs: -1 },
  { name: CONTROL_TOPICS.setAside, partitions: 1, cleanup: 'compact' },
  { name: CONTROL_TOPICS.clients, partitions: 1, cleanup: 'compact' },
  { name: CONTROL_TOPICS.keys, partitions: 1, cleanup: 'compact' },
  { name: CONTROL_TOPICS.retained, partitions: 1, cleanup: 'compact' },
];

/** The spec of a business object's topic: events are kept without limit, the partition count is fixed for life. */
export function objectTopicSpec(name: string, partitions: number): TopicSpec {
  return { name, partitions, cleanup: 'delete', retentionMs: -1 };
}

/** The spec of a tenant's topic of raw messages. */
export function rawTopicSpec(name: string, partitions: number, retentionMs: number): TopicSpec {
  return { name, partitions, cleanup: 'delete', retentionMs };
}
