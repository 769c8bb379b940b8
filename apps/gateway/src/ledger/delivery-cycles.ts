import type { MonitorQuery } from './ledger.shape.js';

const DAY_MS = 86_400_000;

/**
 * As `cycle`, each delivery cycle of an event in one creation of a queue and a window of time: values for tenant, queue,
 * uuid, begin and end. A cycle counts once, however often a takeover repeats its end; accepted counts before all else, for
 * what was accepted once has arrived.
 */
export const DELIVERY_CYCLES = `cycle AS (
    SELECT c.type AS type, c.cycle AS cycle, c.topic AS topic, c.source AS source, a.partition AS partition,
      a.position AS position, a.event_id AS event_id, a.key AS key, MAX(a.id) AS id, SUM(a.attempt > 0) AS attempts,
      MIN(a.at) AS first_at, MAX(a.at) AS at,
      MAX(((a.code >> 2) & 3) = 1) AS accepted, MAX(((a.code >> 2) & 3) = 2) AS dead,
      MAX(((a.code >> 2) & 3) = 3) AS dropped,
      MAX(((a.code >> 2) & 3) = 1 AND c.receiver_kind <> 'webhook') AS settled
    FROM attempt a JOIN context c ON c.id = a.context
    WHERE c.tenant = ? AND c.queue = ? AND c.uuid = ? AND a.at >= ? AND a.at < ?
    GROUP BY c.type, c.cycle, c.topic, a.partition, a.position
  )`;

/** From when (inclusive) to when (exclusive), in milliseconds since the epoch; the last day when nothing is said. */
export function windowOf({ since, until }: MonitorQuery): [begin: number, end: number] {
  const end = until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until);
  return [since === undefined ? Math.min(end, Date.now()) - DAY_MS : Date.parse(since), end];
}
