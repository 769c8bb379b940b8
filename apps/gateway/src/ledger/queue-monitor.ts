import { CONTROL_TOPICS } from '@heddle/event';
import type { z } from 'zod';
import { DELIVERY_CYCLES, windowOf } from './delivery-cycles.js';
import type { MonitorQuery, countsShape, monitorShape } from './ledger.shape.js';
import { isoTime, progressOf } from './page.js';
import type { TimelineIndex } from './timeline-index.js';

interface MonitorRow {
  type: string;
  published: number;
  attempts: number;
  acknowledged: number;
  consumed: number;
  failed: number;
  dropped: number;
  retrying: number;
  last_published: number | null;
  last_acknowledged: number | null;
  last_failed: number | null;
}

const MONITOR = `
  WITH ${DELIVERY_CYCLES}
  SELECT type, SUM(attempts > 0) AS published, SUM(attempts) AS attempts, SUM(accepted) AS acknowledged,
    SUM(settled) AS consumed, SUM(dead AND NOT accepted) AS failed,
    SUM(dropped AND NOT accepted AND NOT dead) AS dropped,
    SUM(NOT accepted AND NOT dead AND NOT dropped) AS retrying,
    MAX(CASE WHEN attempts > 0 THEN at END) AS last_published, MAX(CASE WHEN accepted THEN at END) AS last_acknowledged,
    MAX(CASE WHEN dead AND NOT accepted THEN at END) AS last_failed
  FROM cycle GROUP BY type ORDER BY type`;

const OPEN = `SELECT type, COUNT(*) AS open FROM dead_letter
  WHERE tenant = ? AND queue = ? AND uuid = ? AND redrive IS NULL GROUP BY type`;

/** What became of the events of a queue, counted by type. */
export class QueueMonitor {
  constructor(private readonly index: TimelineIndex) {}

  /** Of one creation of a queue: what was there before under its name is not counted. */
  async of(
    { tenant, name, uuid }: { tenant: string; name: string; uuid: string },
    query: MonitorQuery,
  ): Promise<Omit<z.infer<typeof monitorShape>, 'queue' | 'held'>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.attempts, CONTROL_TOPICS.deadLetters]);
    const [begin, end] = windowOf(query);
    const queue = [tenant, name, uuid];
    const [rows, letters] = await Promise.all([
      this.index.read<MonitorRow>(MONITOR, [...queue, begin, end]),
      this.index.read<{ type: string; open: number }>(OPEN, queue),
    ]);
    const open = new Map(letters.map((letter) => [letter.type, letter.open]));
    const types = new Set([...rows.map(({ type }) => type), ...open.keys()]);
    const counted = new Map(rows.map((row) => [row.type, row]));
    return {
      since: isoTime(begin),
      ...(query.until === undefined ? {} : { until: isoTime(end) }),
      types: [...types].toSorted().map((type) => countsOf(type, counted.get(type), open.get(type) ?? 0)),
      ...progressOf(upTo),
    };
  }
}

function countsOf(type: string, row: MonitorRow | undefined, open: number): z.infer<typeof countsShape> {
  return {
    type,
    published: row?.published ?? 0,
    acknowledged: row?.acknowledged ?? 0,
    consumed: row?.consumed ?? 0,
    failed: row?.failed ?? 0,
    dropped: row?.dropped ?? 0,
    retrying: row?.retrying ?? 0,
    attempts: row?.attempts ?? 0,
    open,
    ...timeOf('lastPublishedAt', row?.last_published),
    ...timeOf('lastAcknowledgedAt', row?.last_acknowledged),
    ...timeOf('lastFailedAt', row?.last_failed),
  };
}

function timeOf<N extends string>(name: N, at: number | null | undefined): { [K in N]?: string } {
  return (at === null || at === undefined ? {} : { [name]: isoTime(at) }) as { [K in N]?: string };
}
