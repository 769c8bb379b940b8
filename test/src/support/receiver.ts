import { Arrivals } from './arrivals.js';
import type { SettleResult } from './queue-clients.js';

/** What a receiver says to a delivery; `keep` says nothing, until the test settles it or its time runs out. */
export type ReceiverAnswer = SettleAction | 'keep';

export type SettleAction = 'accept' | 'release' | 'reject';

/** A delivery, by whatever door it came. */
export interface Received {
  id: string;
  key: string;
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle: string | undefined;
  /** The event as it was written; the same text whenever it is the same. */
  text: string;
  /** Milliseconds of `performance.now()`. */
  at: number;
  /** For one that was kept: what the gateway says to it, where the door has an answer. */
  settle(action: SettleAction, reason?: string): Promise<SettleResult | undefined>;
}

/** A receiver of a queue that remembers everything, and answers as it is told. */
export abstract class Receiver {
  readonly received = new Arrivals<Received>();
  #answer: (delivery: Received) => ReceiverAnswer = () => 'accept';

  /** How deliveries from now on are answered; accepted until told otherwise. */
  answerWith(answer: ReceiverAnswer | ((delivery: Received) => ReceiverAnswer)): void {
    this.#answer = typeof answer === 'string' ? () => answer : answer;
  }

  get ids(): string[] {
    return this.received.all.map(({ id }) => id);
  }

  /** Every delivery of an event. */
  of({ id }: { id: string }): Received[] {
    return this.received.all.filter((delivery) => delivery.id === id);
  }

  /** The ids of a key in the order of their first deliveries. */
  firstsOf(key: string): string[] {
    return [...new Set(this.received.all.filter((delivery) => delivery.key === key).map(({ id }) => id))];
  }

  /** Takes nothing more. */
  abstract stop(): Promise<void>;

  protected take(delivery: Received): ReceiverAnswer {
    const answer = this.#answer(delivery);
    this.received.add(delivery);
    return answer;
  }
}

export interface ReceiverWish {
  gateway: string;
  queue: string;
  /** How long it may take for a delivery, in milliseconds. */
  leaseMs: number;
}

/** A way for receivers to come to a queue. */
export interface ReceiverKind {
  name: 'pull' | 'websocket' | 'webhook' | 'amqp' | 'mqtt';
  /** Whether each settlement is answered, and durable by then. */
  isAnswered: boolean;
  /** Whether nothing more can be said of a delivery that was settled. */
  settlesOnce?: boolean;
  /** Whether it can say that a delivery is never to come again. */
  canReject: boolean;
  /** What the last attempt that it has released is kept with. */
  released: RegExp;
  open(wish: ReceiverWish): Promise<Receiver>;
}
