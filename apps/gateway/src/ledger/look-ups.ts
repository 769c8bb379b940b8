import type { Caller } from '@heddle/auth';
import type { EventLog, StoredEvent } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { AttemptList } from './attempt-list.js';
import { DeadLetterList } from './dead-letter-list.js';
import { EventTimeline } from './event-timeline.js';
import type { Ledger } from './ledger.js';
import { OperationList } from './operation-list.js';
import { QueueEventList } from './queue-events.js';
import { QueueMonitor } from './queue-monitor.js';
import { type Place, Redrives } from './redrive.js';
import { TimelineIndex, type TimelineOptions } from './timeline-index.js';

export interface LookUpsParts {
  eventLog: EventLog;
  ledger: Ledger;
  place: Place;
  timeline: TimelineOptions;
  /** Shows somebody what of an event is for them. */
  seenBy: (caller: Caller, event: StoredEvent) => StoredEvent;
  log: Log;
}

/** All that answers questions about what happened, over one index. */
export class LookUps {
  readonly attempts: AttemptList;
  readonly deadLetters: DeadLetterList;
  readonly events: EventTimeline;
  readonly operations: OperationList;
  readonly redrives: Redrives;
  readonly monitor: QueueMonitor;
  readonly queueEvents: QueueEventList;
  readonly #index: TimelineIndex;

  constructor({ eventLog, ledger, place, timeline, seenBy, log }: LookUpsParts) {
    const index = new TimelineIndex(eventLog, timeline, log);
    this.#index = index;
    this.attempts = new AttemptList(index);
    this.deadLetters = new DeadLetterList(index, this.attempts, eventLog, seenBy);
    this.operations = new OperationList(index);
    this.monitor = new QueueMonitor(index);
    this.queueEvents = new QueueEventList(index);
    const { attempts, deadLetters, operations } = this;
    const { objectTopics } = timeline;
    this.events = new EventTimeline({ index, attempts, deadLetters, eventLog, objectTopics, seenBy });
    this.redrives = new Redrives({ letters: deadLetters, operations, ledger, eventLog, place, log });
  }

  /** For Nest: each under its class. */
  get providers(): { provide: abstract new (...args: never[]) => object; useValue: object }[] {
    const { attempts, deadLetters, events, operations, redrives, monitor, queueEvents } = this;
    return [
      { provide: AttemptList, useValue: attempts },
      { provide: DeadLetterList, useValue: deadLetters },
      { provide: EventTimeline, useValue: events },
      { provide: OperationList, useValue: operations },
      { provide: Redrives, useValue: redrives },
      { provide: QueueMonitor, useValue: monitor },
      { provide: QueueEventList, useValue: queueEvents },
    ];
  }

  /** Begins to read what happened; resolves at once, for a look-up waits by itself. */
  start(): Promise<void> {
    return this.#index.start();
  }

  /** Redrives end first, for the ledger still has to write what they report. */
  async stop(): Promise<void> {
    await this.redrives.close();
    await this.#index.stop();
  }
}
