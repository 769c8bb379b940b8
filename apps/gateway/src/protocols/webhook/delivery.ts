import type { AttemptListener, AttemptOutcome } from '../../deliver.js';
import type { AttemptRecord } from '../../ledger/attempt.js';
import type { Lease, Released } from '../../queues/lease.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { Passage } from './endpoint-governor.js';
import type { MadeRequest } from './request-maker.js';

/** One request under way, and the leases it is about. */
export class Delivery implements AttemptListener {
  /** When it began, in milliseconds since the epoch. */
  readonly at = Date.now();
  made: MadeRequest | undefined;

  constructor(
    readonly leases: readonly Lease[],
    readonly passage: Passage,
    private readonly onEnded: (delivery: Delivery, outcome: AttemptOutcome) => void,
  ) {}

  get first(): Lease {
    return this.leases[0]!;
  }

  ended(outcome: AttemptOutcome): void {
    this.onEnded(this, outcome);
  }
}

/** What identifies a queue in the ledger. */
export type QueueIdentity = Pick<QueueDefinition, 'tenant' | 'name' | 'uuid'>;

/**
 * The attempt with one lease, as it is kept in the ledger. To be made before the lease is settled, which may change what
 * it says; what came of it is added by {@link withReleased}.
 */
export function attemptRecord(
  webhook: string,
  { tenant, name, uuid }: QueueIdentity,
  { at, made }: Delivery,
  lease: Lease,
  outcome: AttemptOutcome,
): AttemptRecord {
  const { topic, partition, offset, key, attributes } = lease.event.stored;
  const { status, totalMs, connectMs, firstByteMs, excerpt } = outcome;
  const phases: AttemptRecord['phases'] = { totalMs };
  if (connectMs !== undefined) phases.connectMs = connectMs;
  if (firstByteMs !== undefined) phases.firstByteMs = firstByteMs;
  const record: AttemptRecord = {
    tenant,
    queue: name,
    uuid,
    cycle: lease.cycle,
    topic,
    partition,
    offset,
    eventId: attributes.id,
    source: attributes.source,
    type: attributes.type,
    key,
    attempt: lease.attempt,
    receiver: { kind: 'webhook', name: webhook },
    at,
    ms: totalMs,
    redelivery: lease.redelivery,
    outcome: 'accepted',
    phases,
  };
  if (status !== 0) record.status = status;
  if (excerpt !== undefined) record.excerpt = excerpt;
  if (made !== undefined) record.request = { template: made.template, headers: made.variable };
  return record;
}

/** Adds why an attempt failed, and what became of its lease. */
export function withReleased(
  record: AttemptRecord,
  error: string,
  errorClass: NonNullable<AttemptRecord['errorClass']>,
  released: Released,
): AttemptRecord {
  record.outcome = 'released';
  record.error = error;
  record.errorClass = errorClass;
  if (released.state === 'dead') record.final = 'dead';
  else record.nextAt = released.dueAt;
  return record;
}
