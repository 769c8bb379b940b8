import type { StoredEvent } from '@heddle/event';
import type { States } from '../fetch/states.js';
import type { Namespaces } from '../messages/namespaces.js';
import type { Mask } from '../represent.js';
import type { MovingPosition } from '../streams/resume-token.js';
import type { Tail } from '../streams/tail.js';
import type { LaneLocks } from './lanes.js';
import type { LogPages } from './log-pages.js';
import type { GivenUp } from './queue-host.js';
import type { QueueDefinition } from './queue.js';
import type { SideLane } from './replay.js';

/** How far the shared reader has come, and what it keeps. */
export interface SharedReading {
  position: MovingPosition;
  tail: Tail;
  topics(): readonly string[];
}

/** Where a queue's outcomes go, and who may say that it is still ours. */
export interface QueueSetHost {
  givenUp(queue: QueueDefinition, letter: GivenUp): void;
  dropped(queue: QueueDefinition, stored: StoredEvent, cycle: string): void;
  /** A filter could not be decided for an event, which then does not match. */
  filterFailed(): void;
  /** What goes with an event of a queue of shape `state`. */
  stateOf: States['of'];
  /** Hides what is personal from queues whose makers may not see it. */
  mask: Mask;
  /** Under which topics the events of types are. */
  namespaces: Namespaces;
  isCurrent(): boolean;
  epochOf(queue: QueueDefinition): number;
}

/** A side lane of a queue: what it delivers again, and what it reads the log with. */
export interface Side {
  lane: SideLane;
  /** Of the queue it belongs to. */
  locks: LaneLocks;
  pages: LogPages;
}
