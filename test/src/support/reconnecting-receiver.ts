import { setTimeout as delay } from 'node:timers/promises';
import { Receiver, type ReceiverWish } from './receiver.js';

const AWAY_MS = 50;

/** A receiver on a connection that is made again whenever it ends, until the receiver is stopped. */
export abstract class ReconnectingReceiver extends Receiver {
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(protected readonly wish: ReceiverWish) {
    super();
    // Not before the fields of the receiver itself are there.
    this.#work = Promise.resolve().then(() => this.#run());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.disconnect();
    await this.#work;
  }

  /** Whether it is stopped: a connection that was made meanwhile is to be ended at once. */
  protected get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the connection is gone. */
  protected abstract connect(): Promise<void>;

  /** Ends the connection, where there is one. */
  protected abstract disconnect(): void;

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.connect();
      } catch {
        // The gateway is away.
      }
      if (!this.#isOver) await delay(AWAY_MS);
    }
  }
}
