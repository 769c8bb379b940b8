import type { StoredEvent } from '@heddle/event';
import type { DispatchedEvent } from '../represent.js';
import type { Refusal } from './lease.js';
import type { ParkedItem, ParkingLot } from './parking.js';
import type { Gap, ProgressRecord } from './progress.js';

/** What a queue takes over from an earlier owner. */
export interface Restored {
  progress: readonly { topic: string; partition: number; record: ProgressRecord }[];
  /** Each puts back the items of one chunk. */
  parked: readonly ((lot: ParkingLot) => ParkedItem[])[];
  /**
   * Where the log ended, per `topic/partition`, at the takeover: events below may have been delivered by an earlier
   * owner that did not get to say so.
   */
  ends: ReadonlyMap<string, number>;
  /** `topic/partition/offset` of what is known to have ended, though the progress does not say so. */
  ended: ReadonlySet<string>;
}

/** An event that a queue gave up. */
export interface GivenUp {
  stored: StoredEvent;
  cycle: string;
  attempts: number;
  refusal: Pick<Refusal, 'reason' | 'answer'>;
  code: 'exhausted' | 'too-old' | 'rejected' | 'expired';
}

/** Why the progress of a partition has changed. */
export type ProgressChange = 'outcome' | 'accepted' | 'passed';

/** What a queue tells those around it. */
export interface QueueHost {
  /**
   * The progress of a partition has changed and is to be stored: soon after an outcome, for a crash before that means
   * a repeat; a little later for what was accepted, which the ledger knows, too; at leisure when events were only passed
   * over, for they are cheap to pass over again.
   */
  onProgress(topic: string, partition: number, what: ProgressChange): void;
  /** Something was parked, or a parked one changed. */
  onParked(): void;
  /** There is room again after the queue was full. */
  onRoom(): void;
  /** There are lanes whose event has to be read again before they can be leased. */
  onAbsent(): void;
  onGivenUp(letter: GivenUp): void;
  /** Its time to live had ended before it was delivered. */
  onDropped(stored: StoredEvent, cycle: string): void;
  /** The event as those may see it who get it from this queue. */
  shown(event: DispatchedEvent): DispatchedEvent;
  /** False while somebody else may own this queue: nothing is begun then. */
  isCurrent(): boolean;
  /** Resolves when everything changed so far is durable. */
  settled(): Promise<void>;
}

export interface QueueStatistics {
  ready: number;
  leased: number;
  waiting: number;
  parked: number;
  /** All that it holds. */
  messages: number;
  /** Of their data, by the average size of what it took; an estimate. */
  bytes: number;
  /** Since this owner took the queue over. */
  taken: number;
  accepted: number;
  released: number;
  dead: number;
  dropped: number;
  oldestAppendedAt: number | undefined;
  gaps: (Gap & { topic: string; partition: number })[];
}
