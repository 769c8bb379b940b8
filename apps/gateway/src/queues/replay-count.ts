import type { StoredEvent } from '@heddle/event';
import type { Mask } from '../represent.js';
import type { LogPages } from './log-pages.js';
import { type ReplayDefinition, selectionOf } from './replay.js';
import type { ReplayCount } from './replay.shape.js';
import { sizeOf } from './replay-window.js';

/** Records looked at, and milliseconds taken, at most; beyond either the count is an estimate. */
const MAX_LOOKED_AT = 50_000;
const MAX_MS = 2000;

/**
 * Counts what a replay would deliver, without delivering it. Reads a page of each partition in turn, so that what it
 * has seen by the time it ends stands for the whole.
 */
export async function countReplay(
  replay: ReplayDefinition,
  { pages, mask }: { pages: LogPages; mask: Mask },
  wants: (event: StoredEvent) => boolean,
): Promise<ReplayCount> {
  const selection = selectionOf(replay, mask);
  const of = sizeOf(replay);
  const endsAt = Date.now() + MAX_MS;
  let [events, lookedAt, read] = [0, 0, 0];
  let open = Object.entries(replay.end).flatMap(([topic, ends]) =>
    ends.map((end, partition) => ({ topic, partition, end, at: replay.start[topic]?.[partition] ?? 0 })),
  );
  while (open.length > 0 && read < MAX_LOOKED_AT && Date.now() < endsAt) {
    for (const place of open) {
      const { topic, partition, end, at } = place;
      const from = selection.next(topic, partition, at);
      let to = end;
      if (from < end) {
        const page = await pages.at(topic, partition, from);
        to = page.to > from ? Math.min(page.to, end) : end;
        for (const { stored } of page.events) {
          if (stored.offset < from || stored.offset >= to) continue;
          if (selection.wants(stored) && wants(stored)) events += 1;
        }
        read += to - from;
      }
      lookedAt += to - at;
      place.at = to;
    }
    open = open.filter(({ at, end }) => at < end);
  }
  const isEstimate = open.length > 0;
  return { events: isEstimate ? Math.round((events / lookedAt) * of) : events, isEstimate, lookedAt, of };
}
