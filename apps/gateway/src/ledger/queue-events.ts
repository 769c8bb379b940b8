import { CONTROL_TOPICS, objectOf } from '@heddle/event';
import type { z } from 'zod';
import { eventHref } from './attempt-list.js';
import { DELIVERY_CYCLES, windowOf } from './delivery-cycles.js';
import type { DeliveryState, QueueEventsQuery, queueEventsShape } from './ledger.shape.js';
import { type Page, add, isoTime, pageWhere, paged, progressOf, whereSql } from './page.js';
import type { TimelineIndex } from './timeline-index.js';

interface CycleRow {
  id: number;
  type: string;
  cycle: string;
  topic: string;
  source: string;
  partition: number;
  position: number;
  event_id: string;
  key: string;
  attempts: number;
  first_at: number;
  at: number;
  accepted: number;
  dead: number;
  dropped: number;
  settled: number;
  letter_partition: number | null;
  letter_position: number | null;
  reason: string | null;
  redrive: string | null;
}

type StoredRow = Pick<CycleRow, 'topic' | 'partition' | 'position' | 'at'> & { bytes: number };

/** Which delivery cycles count as what: as the monitor counts them. */
const STATES: Readonly<Record<DeliveryState, string>> = {
  published: 'attempts > 0',
  acknowledged: 'accepted',
  consumed: 'settled',
  failed: 'dead AND NOT accepted',
  dropped: 'dropped AND NOT accepted AND NOT dead',
  retrying: 'NOT accepted AND NOT dead AND NOT dropped',
};

type QueueEvents = z.infer<typeof queueEventsShape>;

/** The events of a queue one by one, as its monitor counts them. */
export class QueueEventList {
  constructor(private readonly index: TimelineIndex) {}

  /** Of one creation of a queue, the newest first. */
  async of(
    { tenant, name, uuid }: { tenant: string; name: string; uuid: string },
    query: QueueEventsQuery,
  ): Promise<QueueEvents> {
    const { status, type, cursor, limit } = query;
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.attempts, CONTROL_TOPICS.deadLetters]);
    const page: Page = { cursor, limit };
    const where = pageWhere(page, ['id']);
    if (status !== undefined) add(where, `(${STATES[status]})`);
    if (type !== undefined) add(where, 'type = ?', type);
    const sql = `WITH ${DELIVERY_CYCLES},
      chosen AS (SELECT * FROM cycle ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${limit + 1})
      SELECT chosen.*, l.partition AS letter_partition, l.position AS letter_position, l.reason AS reason,
        l.redrive AS redrive
      FROM chosen LEFT JOIN dead_letter l ON l.uuid = ? AND l.cycle = chosen.cycle AND l.topic = chosen.topic
        AND l.event_partition = chosen.partition AND l.event_position = chosen.position
      ORDER BY chosen.at DESC, chosen.id DESC`;
    const values = [tenant, name, uuid, ...windowOf(query), ...where.values, uuid];
    const rows = await this.index.read<CycleRow>(sql, values);
    const stored = await this.#stored(rows);
    const view = (row: CycleRow): QueueEvents['events'][number] => cycleView(row, stored.get(placeOf(row)));
    const { views, ...next } = paged(rows, limit, ({ at, id }) => [at, id], view);
    return { events: views, ...next, ...progressOf(upTo) };
  }

  /** When the log took the events of a page, and how large they are, by where they stand. */
  async #stored(rows: readonly CycleRow[]): Promise<Map<string, StoredRow>> {
    if (rows.length === 0) return new Map();
    await this.index.caughtUp([...new Set(rows.map(({ topic }) => topic))]);
    const marks = rows.map(() => '?').join(', ');
    const sql = `SELECT topic, partition, position, at, bytes FROM event WHERE event_id IN (${marks})`;
    const found = await this.index.read<StoredRow>(
      sql,
      rows.map((row) => row.event_id),
    );
    return new Map(found.map((row) => [placeOf(row), row]));
  }
}

function placeOf({ topic, partition, position }: Pick<CycleRow, 'topic' | 'partition' | 'position'>): string {
  return `${topic}/${partition}/${position}`;
}

function cycleView(row: CycleRow, stored: StoredRow | undefined): QueueEvents['events'][number] {
  const { event_id: id, source, type, key, topic, partition, position, letter_partition, letter_position } = row;
  const ref = {
    id,
    source,
    type,
    key,
    topic: objectOf(topic),
    partition,
    offset: position,
    href: eventHref(id, source),
  };
  return {
    event: { ...ref, ...(stored === undefined ? {} : { appendedAt: isoTime(stored.at), bytes: stored.bytes }) },
    status: statusOf(row),
    cycle: row.cycle,
    attempts: row.attempts,
    publishedAt: isoTime(row.first_at),
    lastAttemptAt: isoTime(row.at),
    ...(letter_partition === null ? {} : { deadLetter: `${letter_partition}-${letter_position}` }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.redrive === null ? {} : { retried: row.redrive }),
  };
}

function statusOf({ accepted, settled, dead, dropped }: CycleRow): QueueEvents['events'][number]['status'] {
  if (accepted) return settled ? 'consumed' : 'acknowledged';
  if (dead) return 'failed';
  return dropped ? 'dropped' : 'retrying';
}
