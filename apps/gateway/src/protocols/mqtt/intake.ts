import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '@heddle/auth';
import type { Limits } from '../../limits/limits.js';
import { requireRate } from '../../limits/rate-answer.js';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import type { RetainedMessages } from './retained-messages.js';

/** What became of a message of a client: the id of its event, or why there is none. */
export type Taken = { id: string } | { error: unknown };

/** What an intake needs of where it is. */
export interface IntakeHome {
  publisher: Pick<RetainedMessages, 'publish'>;
  limits: Pick<Limits, 'rates'>;
  /** Who publishes, now. */
  caller(): Caller;
}

interface Waiting {
  message: IncomingMessage;
  isRetained: boolean;
  settle(taken: Taken): void;
}

/** Messages that are appended together; the next ones wait for them, so that a client's messages keep their order. */
const MAX_BATCH = 1000;
const LONGEST_WAIT_MS = 1000;

/**
 * Publishes what one client brings, in its order: one batch at a time, made of what came while the one before was
 * appended. What is more than a rate allows waits for its turn, and the client with it.
 */
export class Intake {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isBusy = false;
  #isOver = false;

  constructor(private readonly home: IntakeHome) {}

  /** Messages that are not appended yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Bytes of their bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Says what became of a message, in the order of the messages. Begins with {@link flush}. */
  add(message: IncomingMessage, isRetained = false): Promise<Taken> {
    this.#bytes += message.body.length;
    return new Promise((settle) => this.#waiting.push({ message, isRetained, settle }));
  }

  /** Everything that a read brought is here. */
  flush(): void {
    if (this.#isBusy || this.#waiting.length === 0) return;
    this.#isBusy = true;
    void this.#run();
  }

  /** The client is gone: what waits is still published, without waiting for its turn. */
  close(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      const taken = await this.#publish(batch);
      for (let at = 0; at < batch.length; at += 1) {
        this.#bytes -= batch[at]!.message.body.length;
        batch[at]!.settle(taken[at]!);
      }
    }
    this.#isBusy = false;
  }

  async #publish(batch: readonly Waiting[]): Promise<Taken[]> {
    try {
      const caller = this.home.caller();
      await this.#turn(caller, batch.length);
      return await this.home.publisher.publish(caller, batch);
    } catch (error) {
      return batch.map(() => ({ error }));
    }
  }

  async #turn({ tenant, client }: Caller, cost: number): Promise<void> {
    for (;;) {
      const taken = this.home.limits.rates.take(tenant, client, cost);
      if (taken.allowed) return;
      if (this.#isOver || cost > taken.limit) requireRate(taken);
      await delay(Math.min(LONGEST_WAIT_MS, taken.resetSeconds * 1000 + 1));
    }
  }
}
