import { type Position, partitionOf } from '@heddle/event';
import type { ObjectsOf, Offsets, QueueOffsets } from './queue-offsets.js';
import type { ReplayDefinition } from './replay.js';
import type { ReplayRequest } from './replay.shape.js';

type Window = Pick<ReplayDefinition, 'start' | 'end' | 'places'>;

/**
 * The window of a request as offsets, no larger than it has to be: of a business key only its partition, of events
 * whose places are known only those.
 *
 * @throws HeddleError `data-invalid`, `log-unavailable`
 */
export async function windowOf(
  { from = 'earliest', to }: Pick<ReplayRequest, 'from' | 'to'>,
  { tenant, objects, key, places }: ObjectsOf & { key?: string; places?: readonly Position[] },
  offsets: QueueOffsets,
): Promise<Window> {
  const start = await offsets.ofStart(from, { tenant, objects }, 'from');
  const end = await offsets.ofEnd(to, { tenant, objects }, 'to');
  for (const topic of Object.keys(end)) if (start[topic] === undefined) delete end[topic];
  for (const [topic, ends] of Object.entries(end)) {
    // Nothing but the window: where it ends before it begins there is nothing in it.
    end[topic] = ends.map((offset, partition) => Math.max(offset, start[topic]?.[partition] ?? 0));
  }
  if (key !== undefined) onlyPartitionOf(key, start, end);
  return places === undefined ? { start, end } : onlyPlaces(places, { start, end });
}

/** Records of the log in a window. */
export function sizeOf({ start, end }: Pick<Window, 'start' | 'end'>): number {
  return Object.entries(end).reduce(
    (size, [topic, ends]) =>
      ends.reduce((sum, offset, partition) => sum + offset - (start[topic]?.[partition] ?? 0), size),
    0,
  );
}

function onlyPartitionOf(key: string, start: Offsets, end: Offsets): void {
  for (const [topic, ends] of Object.entries(end)) {
    const its = partitionOf(key, ends.length);
    end[topic] = ends.map((offset, partition) => (partition === its ? offset : (start[topic]?.[partition] ?? 0)));
  }
}

function onlyPlaces(all: readonly Position[], { start, end }: Window): Window {
  const places: NonNullable<Window['places']> = {};
  const isIn = ({ topic, partition, offset }: Position): boolean =>
    offset >= (start[topic]?.[partition] ?? Infinity) && offset < (end[topic]?.[partition] ?? 0);
  for (const { topic, partition, offset } of all.filter(isIn)) {
    const offsets = ((places[topic] ??= {})[partition] ??= []);
    offsets.push(offset);
    offsets.sort((one, other) => one - other);
  }
  const narrowed: Window = { start: {}, end: {}, places };
  for (const [topic, ends] of Object.entries(end)) {
    const first = ends.map((_, partition) => places[topic]?.[partition]?.[0] ?? start[topic]?.[partition] ?? 0);
    narrowed.start[topic] = first;
    narrowed.end[topic] = ends.map((_, partition) => {
      const last = places[topic]?.[partition]?.at(-1);
      return last === undefined ? first[partition]! : last + 1;
    });
  }
  return narrowed;
}
