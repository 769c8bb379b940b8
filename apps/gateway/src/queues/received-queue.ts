import { HeddleError } from '@heddle/event';
import type { AttemptRecord } from '../ledger/attempt.js';
import type { OpenQueue } from '../protocols/open-queue.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { FlowRules } from './flows.js';
import { attemptOf } from './lease-attempt.js';
import { LeaseBook } from './lease-book.js';

type Closed = 'moved' | 'deleted';

/** A queue at work here, opened to remote receivers: its leases under tokens, their ends in the ledger. */
export class ReceivedQueue implements OpenQueue {
  readonly book: LeaseBook;
  readonly #closing = new Set<(reason: Closed) => void>();
  readonly #stopListening: () => void;

  constructor(
    private readonly queue: DeliveryQueue,
    readonly epoch: number,
    onAttempt: (attempt: AttemptRecord) => void,
  ) {
    const { uuid } = queue.definition;
    const flows = (): FlowRules => {
      const { accessType, maxUnacknowledged } = queue.definition;
      return { exclusive: accessType === 'EXCLUSIVE', maxUnacknowledged };
    };
    this.book = new LeaseBook({ uuid, epoch, leaseMs: () => this.leaseMs(), flows }, queue, (lease, ending) =>
      onAttempt(attemptOf(queue.definition, lease, ending)),
    );
    this.#stopListening = queue.onAvailable(() => this.book.wake());
  }

  get name(): string {
    return this.queue.definition.name;
  }

  leaseMs(): number {
    return this.queue.definition.leaseMs;
  }

  /**
   * Resolves when everything settled so far is durable, and was so while nobody else could own the queue: a new owner
   * has read it then.
   *
   * @throws HeddleError `queue-elsewhere` where that is not sure; settled again, the present owner knows
   */
  async settled(): Promise<void> {
    await this.queue.settled();
    if (this.queue.isCurrent) return;
    throw new HeddleError('queue-elsewhere', `The queue ${this.name} may have another owner by now: settle again.`, {
      retryAfterSeconds: 1,
    });
  }

  onClosed(callback: (reason: Closed) => void): () => void {
    this.#closing.add(callback);
    return () => this.#closing.delete(callback);
  }

  /** Nothing more is leased or settled here. */
  close(reason: Closed): void {
    this.#stopListening();
    this.book.close();
    for (const callback of this.#closing) callback(reason);
    this.#closing.clear();
  }
}
