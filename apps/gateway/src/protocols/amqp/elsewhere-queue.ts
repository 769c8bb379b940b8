import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { MessageMode } from '../../messages/message.js';
import type { Grant, LeaseReceiver, SettleResult, Settlement } from '../../queues/lease-book.js';
import { ElsewhereLeases, PULL_WAIT_MS } from '../elsewhere-leases.js';
import type { Upstream } from '../protocol.js';
import type { MessageForms } from './amqp.frames.js';
import { type QueueSource, type Taken, type TakeWish, takenOf } from './taken.js';

const LEASE_MS = 30_000;

/**
 * A queue that another instance works on. The links of a connection go to queues of all instances, so that the connection
 * cannot be handed on as a whole; its leases are taken and settled by requests to the owner.
 */
export class ElsewhereQueue implements QueueSource {
  readonly #leases: ElsewhereLeases;

  constructor(
    hop: Pick<Upstream, 'askQueue'>,
    caller: Caller,
    name: string,
    private readonly receiver: LeaseReceiver,
    private readonly forms: MessageForms,
  ) {
    this.#leases = new ElsewhereLeases(hop, caller, name);
  }

  leaseMs(): number {
    return LEASE_MS;
  }

  async take({ max, leaseMs, mode }: TakeWish, signal: AbortSignal | undefined): Promise<Taken[]> {
    const wish = { max, waitMs: signal === undefined ? 0 : PULL_WAIT_MS, leaseMs, receiver: this.receiver };
    do {
      try {
        const grants = await this.#leases.receive(wish, signal);
        if (grants.length > 0 || signal === undefined) return grants.map((grant) => this.#taken(grant, mode));
      } catch (error) {
        if (signal?.aborted === true || (error instanceof HeddleError && error.retryable)) return [];
        throw error;
      }
    } while (!signal.aborted);
    return [];
  }

  settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#leases.settle(settlements);
  }

  handBack(taken: readonly { token: string }[]): void {
    this.#leases.handBack(taken);
  }

  /** That is heard with the next request. */
  onClosed(): () => void {
    return () => undefined;
  }

  close(): void {}

  #taken(grant: Grant, mode: MessageMode): Taken {
    return takenOf(grant, this.forms.bare(grant.lease, mode));
  }
}
