import type { StoredEvent } from '@heddle/event';
import type { AttemptRecord } from '../ledger/attempt.js';
import type { LeaseEnding } from './lease-book.js';
import type { Lease } from './lease.js';
import type { QueueDefinition } from './queue.js';

/** What attempts say of the event they are about, and of the queue. */
export function attemptSubject({ tenant, name, uuid }: QueueDefinition, stored: StoredEvent, cycle: string) {
  const { topic, partition, offset, key, attributes } = stored;
  return {
    tenant,
    queue: name,
    uuid,
    cycle,
    topic,
    partition,
    offset,
    key,
    eventId: attributes.id,
    source: attributes.source,
    type: attributes.type,
  };
}

/** The attempt of a remote receiver: from its lease to how that ended. */
export function leaseAttempt(definition: QueueDefinition, lease: Lease, ending: LeaseEnding): AttemptRecord {
  const { outcome, final, receiver, grantedAt, endedAt, reason, nextAt } = ending;
  return {
    ...attemptSubject(definition, lease.event.stored, lease.cycle),
    attempt: lease.attempt,
    receiver,
    at: grantedAt,
    ms: endedAt - grantedAt,
    redelivery: lease.redelivery,
    outcome,
    ...(final === undefined ? {} : { final }),
    ...(reason === undefined ? {} : { error: reason }),
    ...(outcome === 'accepted'
      ? {}
      : { errorClass: outcome === 'expired' ? ('lease-expired' as const) : ('refused-by-receiver' as const) }),
    ...(nextAt === undefined ? {} : { nextAt }),
  };
}

/** What is kept of an event whose time was over before it was delivered. */
export function droppedAttempt(definition: QueueDefinition, stored: StoredEvent, cycle: string): AttemptRecord {
  return {
    ...attemptSubject(definition, stored, cycle),
    attempt: 0,
    receiver: { kind: 'pull', name: '' },
    at: Date.now(),
    ms: 0,
    redelivery: 'no',
    outcome: 'expired',
    final: 'dropped',
    error: 'its time to live was over',
  };
}
