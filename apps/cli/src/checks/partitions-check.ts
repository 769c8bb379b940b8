import { SLOT_COUNT, objectOf, tenantOf } from '@heddle/event';
import { EXIT } from '../exit-codes.js';
import { allOf } from '../manifests/names.js';
import { queueKind } from '../manifests/queue-kind.js';
import { eventStream } from '../tailing/event-stream.js';
import { type Check, type Patient, failed, ok } from './check.js';
import { claimsOf } from './identity-checks.js';
import { topicPartitions } from './kafka-admin.js';

interface Queue {
  name: string;
  createdAt: string;
  start: Record<string, number[]>;
}

const SLOTTED = ['heddle.queues', 'heddle.progress', 'heddle.parked'];

export const partitionsCheck: Check = {
  name: 'partitions',
  about: 'no topic has other partitions than it had: keys would be on two of them, and lose their order',
  after: ['token', 'broker'],
  exitCode: EXIT.failed.code,
  async look(patient) {
    const queues = (await allOf(patient.gateway, queueKind)) as unknown as Queue[];
    const now = await countsNow(patient);
    const changes = [...changedSlots(now), ...changedTopics(now, queues)];
    if (changes.length === 0)
      return ok(`${now.size} topics, none with other partitions than when queues were made of it`);
    return failed(
      changes.join('; '),
      'A partition count cannot be lowered: events of one key are in order before and after the change, not across it. Let queues run empty, and begin with a topic made anew where the order counts.',
    );
  },
};

/** A queue remembers how many partitions each topic had when it was made. */
function changedTopics(now: ReadonlyMap<string, number>, queues: readonly Queue[]): string[] {
  const changes = new Map<string, string>();
  for (const { name, createdAt, start } of queues.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))) {
    for (const [topic, { length }] of Object.entries(start)) {
      const present = now.get(topic);
      if (present === undefined || present === length || changes.has(topic)) continue;
      changes.set(
        topic,
        `${topic} has ${present} partitions, and had ${length} when the queue ${name} was made (${createdAt})`,
      );
    }
  }
  return [...changes.values()];
}

function changedSlots(now: ReadonlyMap<string, number>): string[] {
  return SLOTTED.flatMap((topic) => {
    const present = now.get(topic);
    return present === undefined || present === SLOT_COUNT
      ? []
      : [`${topic} has ${present} partitions, and must have ${SLOT_COUNT}`];
  });
}

/** What the broker says, where it can be asked; else what the gateway reads, as the beginning of a stream names it. */
async function countsNow({ brokers, gateway, signal }: Patient): Promise<Map<string, number>> {
  if (brokers.length > 0) {
    const { tenant } = claimsOf(await gateway.token());
    return ofTenant(await topicPartitions(brokers, signal), typeof tenant === 'string' ? tenant : undefined);
  }
  const token = Promise.withResolvers<string>();
  const ending = new AbortController();
  const stream = eventStream(gateway, {
    types: [],
    start: 'now',
    signal: AbortSignal.any([signal, ending.signal]),
    onOpened: (_opened, at) => token.resolve(at),
  });
  void stream.next().catch(token.reject);
  try {
    return countsIn(await Promise.race([token.promise, whenAborted(signal)]));
  } finally {
    ending.abort();
  }
}

/** Queues name topics by the objects in them; those of other tenants are none of theirs. */
function ofTenant(counts: ReadonlyMap<string, number>, tenant = 'local'): Map<string, number> {
  const own = [...counts].filter(([topic]) => SLOTTED.includes(topic) || tenantOf(topic) === tenant);
  return new Map(own.map(([topic, count]) => [SLOTTED.includes(topic) ? topic : objectOf(topic), count]));
}

/** A token is a position in every partition: `1~sales-order=5.a.0~contract=3`. */
function countsIn(token: string): Map<string, number> {
  const segments = token.split('~').slice(1);
  return new Map(
    segments.map((segment): [string, number] => {
      const at = segment.lastIndexOf('=');
      return [segment.slice(0, at), segment.slice(at + 1).split('.').length];
    }),
  );
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
}
