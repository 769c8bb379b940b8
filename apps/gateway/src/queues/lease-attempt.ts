import type { StoredEvent } from '@heddle/event';
import type { AttemptRecord } from '../ledger/attempt.js';
import type { LeaseEnding } from './lease-book.js';
import type { Lease } from './lease.js';
import type { QueueDefinition } from './queue.js';

/** What a lease of a remote receiver is in the ledger, once it has ended. */
export function attemptOf(
  queue: QueueDefinition,
  { event, cycle, redelivery }: Lease,
  { outcome, attempt, final, receiver, grantedAt, endedAt, reason, nextAt }: LeaseEnding,
): AttemptRecord {
  const record: AttemptRecord = {
    ...subjectOf(queue, event.stored, cycle),
    attempt,
    receiver,
    at: grantedAt,
    ms: endedAt - grantedAt,
    redelivery,
    outcome,
  };
  if (final !== undefined) record.final = final;
  if (nextAt !== undefined) record.nextAt = nextAt;
  if (reason !== undefined) {
    record.error = reason;
    record.errorClass = outcome === 'expired' ? 'lease-expired' : 'refused-by-receiver';
  }
  return record;
}

/** What is kept of an event whose time to live was over before it was delivered. */
export function droppedAttempt(queue: QueueDefinition, stored: StoredEvent, cycle: string): AttemptRecord {
  return {
    ...subjectOf(queue, stored, cycle),
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

/** Which delivery an attempt is about. */
function subjectOf(
  { tenant, name, uuid }: QueueDefinition,
  { topic, partition, offset, key, attributes: { id, source, type } }: StoredEvent,
  cycle: string,
) {
  return { tenant, queue: name, uuid, cycle, topic, partition, offset, eventId: id, source, type, key };
}
