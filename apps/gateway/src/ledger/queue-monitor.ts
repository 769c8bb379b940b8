import { CONTROL_TOPICS } from '@heddle/event';
import type { z } from 'zod';
import type { MonitorQuery, monitorShape } from './ledger.shape.js';
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

const DAY_MS = 86_400_000;

/*
 * A delivery cycle of an event counts once, however often a takeover repeats its end; accepted counts before all else,
 * for what was accepted once has arrived.
 */
const MONITOR = `
  WITH cycle AS (
    SELECT c.type AS type, SUM(a.attempt > 0) AS attempts, MAX(a.at) AS last,
      MAX(((a.code >> 2) & 3) = 1) AS accepted, MAX(((a.code >> 2) & 3) = 2) AS dead,
      MAX(((a.code >> 2) & 3) = 3) AS dropped,
      MAX(((a.code >> 2) & 3) = 1 AND c.receiver_kind <> 'webhook') AS settled
    FROM attempt a JOIN context c ON c.id = a.context
    WHERE c.tenant = ? AND c.queue = ? AND c.uuid = ? AND a.at >= ? AND a.at < ?
    GROUP BY c.type, c.cycle, c.topic, a.partition, a.position
  )
  SELECT type, SUM(attempts > 0) AS published, SUM(attempts) AS attempts, SUM(accepted) AS acknowledged,
    SUM(settled) AS consumed, SUM(dead AND NOT accepted) AS failed,
    SUM(dropped AND NOT accepted AND NOT dead) AS dropped,
    SUM(NOT accepted AND NOT dead AND NOT dropped) AS retrying,
    MAX(CASE WHEN attempts > 0 THEN last END) AS last_published, MAX(CASE WHEN accepted THEN last END) AS last_acknowledged,
    MAX(CASE WHEN dead AND NOT accepted THEN last END) AS last_failed
  FROM cycle GROUP BY type ORDER BY type`;

const OPEN = `SELECT type, COUNT(*) AS open FROM dead_letter
  WHERE tenant = ? AND queue = ? AND uuid = ? AND redrive IS NULL GROUP BY type`;

/** What became of the events of a queue, counted by type. */
export class QueueMonitor {
  constructor(private readonly index: TimelineIndex) {}

  /** Of one creation of a queue: what was there before under its name is not counted. */
  async of(
    { tenant, name, uuid }: { tenant: string; name: string; uuid: string },
    { since, until }: MonitorQuery,
  ): Promise<Omit<z.infer<typeof monitorShape>, 'queue' | 'held'>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.attempts, CONTROL_TOPICS.deadLetters]);
    const end = until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until);
    const begin = since === undefined ? Math.min(end, Date.now()) - DAY_MS : Date.parse(since);
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
      ...(until === undefined ? {} : { until: isoTime(end) }),
      types: [...types].toSorted().map((type) => countsOf(type, counted.get(type), open.get(type) ?? 0)),
      ...progressOf(upTo),
    };
  }
}

function countsOf(
  type: string,
  row: MonitorRow | undefined,
  open: number,
): z.infer<typeof monitorShape>['types'][number] {
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
