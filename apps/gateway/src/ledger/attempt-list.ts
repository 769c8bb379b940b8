import type { SQLInputValue } from 'node:sqlite';
import type { Caller } from '@heddle/auth';
import { CONTROL_TOPICS, objectOf } from '@heddle/event';
import { maySee } from '../queues/queue-rights.js';
import type { BatchDetails } from './attempt-batch.js';
import { ATTEMPT_OUTCOMES, FINAL_STATES, REDELIVERIES, type RequestTemplate } from './attempt.js';
import type { AttemptView, AttemptsQuery, attemptsShape } from './ledger.shape.js';
import { type Where, add, isoTime, pageWhere, paged, progressOf } from './page.js';
import type { TimelineIndex } from './timeline-index.js';
import type { z } from 'zod';

interface AttemptRow {
  id: number;
  tenant: string;
  queue: string;
  uuid: string;
  cycle: string;
  topic: string;
  source: string;
  type: string;
  receiver_kind: string;
  receiver: string;
  template: string | null;
  names: string;
  partition: number;
  position: number;
  event_id: string;
  key: string;
  attempt: number;
  at: number;
  took: number;
  code: number;
  status: number;
  first_byte: number;
  details: string | null;
  header_values: string | null;
}

const COLUMNS = `a.id, c.tenant, c.queue, c.uuid, c.cycle, c.topic, c.source, c.type, c.receiver_kind, c.receiver,
  c.template, c.names, a.partition, a.position, a.event_id, a.key, a.attempt, a.at, a.took, a.code, a.status,
  a.first_byte, a.details, a.header_values`;
/** So many contexts are each read in the order of their index; beyond, all of the time window is looked through. */
const MAX_MERGED = 100;

/** Attempts, found by what they were about and how they ended. */
export class AttemptList {
  constructor(private readonly index: TimelineIndex) {}

  /** Those of the queues that somebody may know of. */
  async list(caller: Caller, query: AttemptsQuery): Promise<z.infer<typeof attemptsShape>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.attempts]);
    const rows = await this.#rows(caller, query);
    const { views, ...next } = paged(rows, query.limit, ({ at, id }) => [at, id], attemptView);
    return { attempts: views, ...next, ...progressOf(upTo) };
  }

  /** All attempts with some events of a tenant, in the order the log has them. */
  async ofEvents(tenant: string, ids: readonly string[]): Promise<AttemptView[]> {
    const marks = ids.map(() => '?').join(', ');
    const sql = `SELECT ${COLUMNS} FROM attempt a JOIN context c ON c.id = a.context
      WHERE a.event_id IN (${marks}) AND c.tenant = ? ORDER BY a.id LIMIT 20000`;
    return (await this.index.read<AttemptRow>(sql, [...ids, tenant])).map(attemptView);
  }

  async #rows(caller: Caller, query: AttemptsQuery): Promise<AttemptRow[]> {
    const where = pageWhere(query, ['id']);
    addOutcome(where, query.outcome);
    if (query.event !== undefined) add(where, 'event_id = ?', query.event);
    const limit = query.limit + 1;
    const contexts = await this.#contexts(caller, query);
    const [inner, values] =
      query.event === undefined && contexts.length <= MAX_MERGED
        ? merged(contexts, where, limit)
        : oneOf(contexts, where, limit);
    const sql = `SELECT ${COLUMNS} FROM (${inner}) a JOIN context c ON c.id = a.context
      ORDER BY a.at DESC, a.id DESC LIMIT ${limit}`;
    return contexts.length === 0 ? [] : this.index.read<AttemptRow>(sql, values);
  }

  /** What attempts may have in common that are asked for. */
  async #contexts(caller: Caller, { queue, webhook }: AttemptsQuery): Promise<number[]> {
    const where: Where = { sql: ['tenant = ?'], values: [caller.tenant] };
    if (queue !== undefined) add(where, 'queue = ?', queue);
    if (webhook !== undefined) add(where, "receiver = ? AND receiver_kind = 'webhook'", webhook);
    const sql = `SELECT id, queue FROM context WHERE ${where.sql.join(' AND ')}`;
    const contexts = await this.index.read<{ id: number; queue: string }>(sql, where.values);
    return contexts.filter((context) => maySee(caller, context.queue)).map(({ id }) => id);
  }
}

/** Each context has its attempts in order of time: the newest of each are enough to find the newest of all. */
function merged(contexts: readonly number[], where: Where, limit: number): [sql: string, values: SQLInputValue[]] {
  const rest = where.sql.map((sql) => ` AND ${sql}`).join('');
  const one = `SELECT * FROM (SELECT * FROM attempt WHERE context = ?${rest} ORDER BY at DESC, id DESC LIMIT ${limit})`;
  return [contexts.map(() => one).join(' UNION ALL '), contexts.flatMap((context) => [context, ...where.values])];
}

function oneOf(contexts: readonly number[], where: Where, limit: number): [sql: string, values: SQLInputValue[]] {
  const rest = where.sql.map((sql) => ` AND ${sql}`).join('');
  const list = `+context IN (SELECT value FROM json_each(?))`;
  return [
    `SELECT * FROM attempt WHERE ${list}${rest} ORDER BY at DESC, id DESC LIMIT ${limit}`,
    [JSON.stringify(contexts), ...where.values],
  ];
}

function addOutcome(where: Where, outcome: AttemptsQuery['outcome']): void {
  if (outcome === undefined) return;
  // The index of failed attempts is used for a query that has its very condition.
  if (outcome !== 'accepted') add(where, '(code & 3) <> 0');
  if (outcome !== 'failed') add(where, '(code & 3) = ?', ATTEMPT_OUTCOMES.indexOf(outcome));
}

/** Where an event can be looked at. */
export function eventHref(id: string, source: string): string {
  return `/v1/events/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`;
}

function attemptView(row: AttemptRow): AttemptView {
  const details = row.details === null ? {} : (JSON.parse(row.details) as BatchDetails);
  const { error, class: errorClass, excerpt, nextAt } = details;
  const final = FINAL_STATES[((row.code >> 2) & 3) - 1];
  const phases = phasesOf(row, details);
  const request = requestOf(row);
  return {
    event: {
      id: row.event_id,
      source: row.source,
      type: row.type,
      key: row.key,
      topic: objectOf(row.topic),
      partition: row.partition,
      offset: row.position,
      href: eventHref(row.event_id, row.source),
    },
    queue: row.queue,
    queueUuid: row.uuid,
    cycle: row.cycle,
    receiver: { kind: row.receiver_kind, name: row.receiver },
    attempt: row.attempt,
    at: isoTime(row.at),
    ms: row.took / 10,
    redelivery: REDELIVERIES[row.code >> 4] ?? 'no',
    outcome: ATTEMPT_OUTCOMES[row.code & 3] ?? 'released',
    ...(final === undefined ? {} : { final }),
    ...(row.status === 0 ? {} : { status: row.status }),
    ...(error === undefined ? {} : { error }),
    ...(errorClass === undefined ? {} : { errorClass }),
    ...(phases === undefined ? {} : { phases }),
    ...(excerpt === undefined ? {} : { excerpt }),
    ...(request === undefined ? {} : { request }),
    ...(nextAt === undefined ? {} : { nextAt: isoTime(nextAt) }),
  };
}

function phasesOf({ first_byte, took }: AttemptRow, details: BatchDetails): AttemptView['phases'] {
  const { dns, connect, tls, total } = details;
  const firstByte = first_byte < 0 ? undefined : first_byte / 10;
  if ([dns, connect, tls, firstByte].every((part) => part === undefined)) return undefined;
  return { dnsMs: dns, connectMs: connect, tlsMs: tls, firstByteMs: firstByte, totalMs: total ?? took / 10 };
}

function requestOf({ template, names, header_values, event_id, source }: AttemptRow): AttemptView['request'] {
  if (template === null) return undefined;
  const { method, url, headers } = JSON.parse(template) as RequestTemplate;
  const values = JSON.parse(header_values ?? '[]') as (string | 0)[];
  const own = (JSON.parse(names) as string[]).map((name, index): [string, string] => {
    const value = values[index] ?? '';
    return [name, value === 0 ? event_id : value];
  });
  const common = headers.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [],
  );
  return { method, url, headers: [...common, ...own], body: eventHref(event_id, source) };
}
