import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { MessageMode } from '../../messages/message.js';
import type { Flow } from '../../queues/flows.js';
import type { Grant, LeaseReceiver, SettleResult, Settlement } from '../../queues/lease-book.js';
import type { OpenQueue, OpenQueues } from '../open-queue.js';
import type { Upstream } from '../protocol.js';
import type { MessageForms } from './amqp.frames.js';
import { ElsewhereQueue } from './elsewhere-queue.js';
import { type QueueSource, type Taken, type TakeWish, takenOf } from './taken.js';

/** Where links find the queues they receive from, whichever instance works on them. */
export class QueueSources {
  constructor(
    private readonly queues: OpenQueues,
    private readonly hop: Pick<Upstream, 'askQueue'>,
    private readonly forms: MessageForms,
  ) {}

  /** @throws HeddleError `not-found` */
  open(caller: Caller, name: string, receiver: LeaseReceiver): QueueSource {
    let queue: OpenQueue;
    try {
      queue = this.queues.open(caller.tenant, name);
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== 'queue-elsewhere') throw error;
      return new ElsewhereQueue(this.hop, caller, name, receiver, this.forms);
    }
    return new QueueHere(queue, receiver, this.forms);
  }
}

/** A queue that this instance works on. */
class QueueHere implements QueueSource {
  readonly #flow: Flow;

  constructor(
    private readonly queue: OpenQueue,
    private readonly receiver: LeaseReceiver,
    private readonly forms: MessageForms,
  ) {
    this.#flow = queue.book.open();
  }

  leaseMs(): number {
    return this.queue.leaseMs();
  }

  async take({ max, leaseMs, mode }: TakeWish, signal: AbortSignal | undefined): Promise<Taken[]> {
    const { book } = this.queue;
    const wish = { max, leaseMs, receiver: this.receiver, flow: this.#flow };
    const grants = signal === undefined ? book.receive(wish) : await book.waitFor(wish, Infinity, signal);
    return grants.map((grant) => this.#taken(grant, mode));
  }

  async settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const results = this.queue.book.settle(settlements);
    await this.queue.settled();
    return results;
  }

  handBack(taken: readonly { token: string }[]): void {
    this.queue.book.handBack(taken);
  }

  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void {
    return this.queue.onClosed(callback);
  }

  close(): void {
    this.#flow.close();
  }

  #taken(grant: Grant, mode: MessageMode): Taken {
    return takenOf(grant, this.forms.bare(grant.lease, mode));
  }
}
