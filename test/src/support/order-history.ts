import type { LogRecord } from './foreign-kafka.js';

/** What is known of some orders: what the database holds, and what their users were told. */
export interface OrderTruth {
  /** The version of each order there is. */
  stored: ReadonlyMap<string, number>;
  /** The highest version that was acknowledged, 0 for none, of each order that was asked for. */
  acknowledged: ReadonlyMap<string, number>;
}

export interface HistoryReport {
  /** Each broken promise in a line; none when all were kept. */
  problems: string[];
  events: number;
  /** Records that repeat an earlier one. */
  repeats: number;
}

/**
 * Compares a topic with the truth: an event exists if and only if its transaction committed, numbers of a key rise by
 * one in the order of the log, what is repeated is the same in every byte.
 *
 * @param records in log order per partition
 */
export function checkOrderHistory(records: readonly LogRecord[], truth: OrderTruth): HistoryReport {
  const problems: string[] = [];
  const byKey = Map.groupBy(
    records.filter(({ key }) => key !== undefined && truth.acknowledged.has(key)),
    ({ key }) => key!,
  );
  let [events, repeats] = [0, 0];
  for (const [key, acknowledged] of truth.acknowledged) {
    const firsts = new Map<string, LogRecord>();
    for (const record of byKey.get(key) ?? []) {
      const id = record.headers['ce_id'] ?? '';
      const first = firsts.get(id);
      if (first === undefined) firsts.set(id, record);
      else if (!isSame(first, record)) problems.push(`${key}: event ${id} was repeated with other content`);
      repeats += first === undefined ? 0 : 1;
    }
    events += firsts.size;
    const version = truth.stored.get(key) ?? 0;
    if (acknowledged > version) problems.push(`${key}: version ${acknowledged} was acknowledged, ${version} is stored`);
    problems.push(...eventsOf(key, [...firsts.values()], version));
  }
  return { problems, events, repeats };
}

/** Creating an order raises two events, each change raises one more. */
function eventsOf(key: string, events: readonly LogRecord[], version: number): string[] {
  const problems: string[] = [];
  const expected = version === 0 ? 0 : version + 1;
  if (events.length < expected) problems.push(`${key}: ${expected - events.length} committed events are missing`);
  if (events.length > expected) problems.push(`${key}: ${events.length - expected} events were never committed`);
  if (new Set(events.map(({ partition }) => partition)).size > 1) problems.push(`${key}: in several partitions`);
  for (const [index, event] of events.entries()) {
    const sequence = Number(event.headers['ce_sequence']);
    if (sequence !== index + 1) problems.push(`${key}: event ${index + 1} in the log has the number ${sequence}`);
    const notified = Number(/version=(\d+)$/.exec(event.headers['ce_dataref'] ?? '')?.[1]);
    if (notified !== Math.max(1, index)) problems.push(`${key}: event ${index + 1} speaks of version ${notified}`);
  }
  return problems;
}

function isSame(one: LogRecord, other: LogRecord): boolean {
  const content = ({ headers, value }: LogRecord): string => JSON.stringify([headers, value?.toString('base64')]);
  return content(one) === content(other);
}
