import type { StoredEvent } from '@heddle/event';
import type { FilterExpression } from '../filters/filter.js';
import { compileFilter } from '../filters/filters.js';
import type { Mask } from '../represent.js';
import type { Offsets } from './queue-offsets.js';
import { QueueRights } from './queue-rights.js';
import type { QueueDefinition } from './queue.js';

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
  start: Offsets;
  /** Where it ends (exclusive): the log's end when it was asked for, or earlier. What is not named is not in it. */
  end: Offsets;
  /** Further to the filter of the queue; sees of events what whoever asked for it may see. */
  filter: FilterExpression[];
  /** What that one may do with events, as a queue keeps it of its maker. */
  rights?: readonly string[];
  /** The one business key it is about, in canonical form. */
  key?: string;
  /** The events it is about. */
  eventIds?: string[];
  /** Where those stand, in rising order per topic and partition, if that is known; else the window is searched. */
  places?: Record<string, Record<number, number[]>>;
  /** Deliveries begun per second, at most. */
  ratePerSecond: number;
  state: 'running' | 'stopped' | 'done';
  requestedAt: string;
  endedAt?: string;
  /** Of a running one, as far as it was last stored; of an ended one, what it came to. */
  report: ReplayReport;
}

/** What became of deliveries; after an owner died, what it had counted since it last stored this is missing. */
export interface ReplayReport {
  taken: number;
  accepted: number;
  dead: number;
  /** Whose time to live was over. */
  dropped: number;
}

/** Which events of its window a replay is about. */
export interface ReplaySelection {
  wants(event: StoredEvent): boolean;
  /** The first offset from `from` on that may be wanted; Infinity when none is. */
  next(topic: string, partition: number, from: number): number;
}

/** What tells a side lane from the queue it belongs to. */
export interface SideLane extends ReplaySelection {
  /** The delivery cycle of all it delivers. */
  readonly cycle: string;
  /** When it began, in milliseconds since the epoch: time to live counts from then, or nothing old could be replayed. */
  readonly since: number;
}

/** A side lane as the engine sees it: a queue for a window of the log, whose state is kept under the replay's id. */
export interface LaneDefinition extends QueueDefinition {
  readonly lanesOf: string;
}

/** The queue as it is now, reading the window of a replay. */
export function laneOf(queue: QueueDefinition, { id, start, end }: ReplayDefinition): LaneDefinition {
  return {
    ...queue,
    uuid: id,
    lanesOf: queue.uuid,
    start,
    end,
    // The rest is for live deliveries, which a replay must not keep waiting for room.
    maxInFlight: Math.max(1, Math.floor(queue.maxInFlight / 2)),
  };
}

/** The uuid under which a delivery is known: that of the queue, for one from a side lane too. */
export function queueUuidOf(definition: QueueDefinition): string {
  return (definition as Partial<LaneDefinition>).lanesOf ?? definition.uuid;
}

export function selectionOf(
  { key, eventIds, places, filter, rights = [] }: ReplayDefinition,
  mask: Mask,
): ReplaySelection {
  const ids = eventIds === undefined ? undefined : new Set(eventIds);
  const compiled = filter.length === 0 ? undefined : compileFilter(filter);
  const asked = new QueueRights({ rights, types: ['*'] });
  const matches = (event: StoredEvent): boolean =>
    compiled === undefined || compiled.matches(asked.sees(event.attributes.type) ? event : mask.masked(event));
  return {
    wants: (event) =>
      (key === undefined || event.key === key) && (ids === undefined || ids.has(event.attributes.id)) && matches(event),
    next: (topic, partition, from) =>
      places === undefined ? from : (places[topic]?.[partition]?.find((offset) => offset >= from) ?? Infinity),
  };
}
