import type { StoredEvent } from '@heddle/event';
import type { DispatchedEvent, ObjectState } from '../represent.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { Lane } from './lanes.js';

/** The state to go with an event; null where there is none. Rejects when it cannot be had now. */
type StateOf = (event: StoredEvent) => Promise<ObjectState | null>;

/** States that one queue waits for at once. */
const AT_ONCE = 32;
const FIRST_AGAIN_MS = 200;
const LAST_AGAIN_MS = 30_000;

/**
 * Gives the lanes of a queue of shape `state` the states that go with their events. One that cannot be had puts its lane
 * back, longer each time; the others go on.
 */
export class Attachments {
  #underWay = 0;
  #isAnnounced = false;

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly stateOf: StateOf,
  ) {}

  /** How many further lanes may be taken. */
  get room(): number {
    return AT_ONCE - this.#underWay;
  }

  /** Makes an absent lane present once the state is here that goes with its event. */
  attach(lane: Lane, event: DispatchedEvent): void {
    this.#underWay += 1;
    this.stateOf(event.stored).then(
      (state) => this.#ended(() => this.#present(lane, event, state)),
      (error: unknown) => this.#ended(() => this.#postpone(lane, event, error)),
    );
  }

  #present(lane: Lane, event: DispatchedEvent, state: ObjectState | null): void {
    lane.items[lane.head]!.failedFetches = 0;
    this.queue.present(lane, event, state);
  }

  #postpone(lane: Lane, event: DispatchedEvent, error: unknown): void {
    const item = lane.items[lane.head]!;
    const failed = item.failedFetches ?? 0;
    item.failedFetches = failed + 1;
    const delayMs = Math.min(LAST_AGAIN_MS, FIRST_AGAIN_MS * 2 ** failed);
    // Up to a quarter sooner by chance, or all that waits for one owner would come back to it at once.
    const why = error instanceof Error ? error.message : 'not fetched';
    this.queue.postpone(lane, event, delayMs * (1 - Math.random() / 4), `state: ${why}`);
  }

  #ended(then: () => void): void {
    this.#underWay -= 1;
    if (this.queue.isClosed) return;
    then();
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    // Once for all that came in this turn.
    setImmediate(() => {
      this.#isAnnounced = false;
      if (!this.queue.isClosed) this.queue.offered();
    });
  }
}
