import type { FilterExpression } from '../filters/filter.js';

/** A replay, as it stands in `heddle.queues` under `replay/<tenant>/<queue>/<id>`. */
export interface ReplayDefinition {
  format: 1;
  tenant: string;
  queue: string;
  /** Names the delivery cycle of everything it delivers again; also the uuid under which its progress is kept. */
  id: string;
  /** Of the queue it was made for: one of the same name made later inherits nothing. */
  queueUuid: string;
  /** For each topic, the offset per partition at which it begins. */
  start: Record<string, number[]>;
  /** Where it ends (exclusive): the log's end when it was asked for, or earlier. */
  end: Record<string, number[]>;
  /** Further to the filter of the queue; a business key, an event id, or anything else. */
  filter: FilterExpression[];
  /** Deliveries begun per second, at most. */
  ratePerSecond: number;
  state: 'running' | 'stopped' | 'done';
  requestedAt: string;
  endedAt?: string;
  /** Of an ended one: what it came to. */
  report?: { taken: number; accepted: number; dead: number; dropped: number };
}
