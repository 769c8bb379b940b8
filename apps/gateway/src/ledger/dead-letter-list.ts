import { type Caller, requirePermission } from '@heddle/auth';
import { CONTROL_TOPICS, type EventLog, HeddleError, type StoredEvent, objectOf } from '@heddle/event';
import { maySee } from '../queues/queue-rights.js';
import { shownData } from '../represent.js';
import type { z } from 'zod';
import { type AttemptList, eventHref } from './attempt-list.js';
import type { DeadLetterView, DeadLettersQuery, deadLetterDetailShape, deadLettersShape } from './ledger.shape.js';
import { type Page, type Where, add, isoTime, pageSeen, pageWhere, progressOf, whereSql } from './page.js';
import { type TimelineIndex, nothingFound } from './timeline-index.js';

interface LetterRow {
  partition: number;
  position: number;
  at: number;
  event_id: string;
  source: string;
  type: string;
  key: string;
  tenant: string;
  queue: string | null;
  uuid: string | null;
  cycle: string;
  consumer_group: string | null;
  reason: string | null;
  code: string | null;
  attempts: number | null;
  topic: string | null;
  event_partition: number | null;
  event_position: number | null;
  first_at: number | null;
  answer: string | null;
  redrive: string | null;
  redriven_at: number | null;
}

/** Which letters: what lists and redrives choose by. */
export type LetterFilter = Partial<
  Pick<DeadLettersQuery, 'queue' | 'type' | 'key' | 'reason' | 'since' | 'until' | 'state'>
>;

/** A letter, as a redrive takes it. */
export interface DeadLetterRef {
  /** `partition-offset` of the letter in `heddle.dead-letters`, which has the bytes of its event. */
  id: string;
  partition: number;
  offset: number;
  /** Where the event was appended first. */
  event: { topic: string; partition: number; offset: number; id: string; source: string; type: string; key: string };
  tenant: string;
  /** Left out for what the group of a service gave up on. */
  queue: { name: string; uuid: string } | undefined;
  attempts: number;
}

const LETTERS = [CONTROL_TOPICS.deadLetters];

/** Dead letters: found, looked at one by one, and selected to be redriven. */
export class DeadLetterList {
  constructor(
    private readonly index: TimelineIndex,
    private readonly attempts: AttemptList,
    private readonly eventLog: EventLog,
    /** Shows somebody what of an event is for them. */
    private readonly seenBy: (caller: Caller, event: StoredEvent) => StoredEvent,
  ) {}

  /** Those of the queues that somebody may know of. */
  async list(caller: Caller, query: DeadLettersQuery): Promise<z.infer<typeof deadLettersShape>> {
    const upTo = await this.index.caughtUp(LETTERS);
    const read = (page: Page): Promise<LetterRow[]> => {
      const where = pageWhere(page, ['partition', 'position']);
      addFilter(where, query, caller.tenant);
      const sql = `SELECT * FROM dead_letter ${whereSql(where)}
        ORDER BY at DESC, partition DESC, position DESC LIMIT ${page.limit + 1}`;
      return this.index.read<LetterRow>(sql, where.values);
    };
    const { rows, ...next } = await pageSeen(
      query,
      read,
      ({ at, partition, position }) => [at, partition, position],
      ({ queue }) => maySee(caller, queue ?? ''),
    );
    return { deadLetters: rows.map(letterView), ...next, ...progressOf(upTo) };
  }

  /**
   * A letter with the event in it, its personal data masked for whoever may not see that.
   *
   * @throws HeddleError `not-found`, or `index-behind` while that is not certain; `permission-missing` without the
   *   right to replay its queue
   */
  async get(caller: Caller, id: string): Promise<z.infer<typeof deadLetterDetailShape>> {
    const { tenant } = caller;
    const at = positionOf(id);
    const upTo = await this.index.caughtUp([...LETTERS, CONTROL_TOPICS.attempts]);
    const sql = 'SELECT * FROM dead_letter WHERE partition = ? AND position = ? AND tenant = ?';
    const [row] = await this.index.read<LetterRow>(sql, [at.partition, at.offset, tenant]);
    if (row === undefined) throw nothingFound(`dead letter ${id}`, upTo);
    requirePermission(caller, 'replay', 'queue', row.queue ?? '');
    const letter = await this.read(at);
    const stored = letter === undefined ? undefined : this.seenBy(caller, letter);
    const attempts = await this.attempts.ofEvents(tenant, [row.event_id]);
    const deliveries = attempts.filter(({ queueUuid, cycle }) => queueUuid === row.uuid && cycle === row.cycle);
    const attributes = stored?.attributes ?? {};
    const data = stored === undefined ? null : shownData(stored);
    return { ...letterView(row), stored: { attributes: present(attributes), data }, deliveries };
  }

  /** The letters of some events of a tenant, with where they came from. */
  async ofEvents(tenant: string, ids: readonly string[]): Promise<DeadLetterView[]> {
    const sql = `SELECT * FROM dead_letter WHERE event_id IN (${ids.map(() => '?').join(', ')}) AND tenant = ? ORDER BY at`;
    return (await this.index.read<LetterRow>(sql, [...ids, tenant])).map(letterView);
  }

  /** The open ones that fit, the oldest first. */
  async select(tenant: string, filter: LetterFilter): Promise<DeadLetterRef[]> {
    await this.#complete();
    const where = pageWhere({ ...filter, limit: 0 }, []);
    addFilter(where, { ...filter, state: 'open' }, tenant);
    const sql = `SELECT * FROM dead_letter ${whereSql(where)} ORDER BY at, partition, position`;
    return (await this.index.read<LetterRow>(sql, where.values)).map(refOf);
  }

  /** The open ones of these; the others are left out. */
  async selectIds(tenant: string, ids: readonly string[]): Promise<DeadLetterRef[]> {
    await this.#complete();
    const positions = ids.map(positionOf);
    const sql = `SELECT d.* FROM dead_letter d JOIN json_each(?) j
      ON d.partition = json_extract(j.value, '$.partition') AND d.position = json_extract(j.value, '$.offset')
      WHERE redrive IS NULL AND tenant = ? ORDER BY at, d.partition, d.position`;
    return (await this.index.read<LetterRow>(sql, [JSON.stringify(positions), tenant])).map(refOf);
  }

  /** The letter as the log has it; nothing when retention took it. */
  async read({ partition, offset }: { partition: number; offset: number }): Promise<StoredEvent | undefined> {
    const at = { topic: CONTROL_TOPICS.deadLetters, partition, offset };
    const { events } = await this.eventLog.fetch(at, { maxBytes: 1 });
    const [event] = events;
    return event?.offset === offset ? event : undefined;
  }

  /** What is put back has to be all there is: a letter that was redriven a moment ago must be known as that. */
  async #complete(): Promise<void> {
    const upTo = await this.index.caughtUp(LETTERS);
    if (!upTo.isComplete) throw nothingFound('complete list of dead letters', upTo);
  }
}

function addFilter(where: Where, { queue, type, key, reason, state }: LetterFilter, tenant: string): void {
  add(where, 'tenant = ?', tenant);
  if (queue !== undefined) add(where, 'queue = ?', queue);
  if (type !== undefined) add(where, 'type = ?', type);
  if (key !== undefined) add(where, 'key = ?', key);
  if (reason !== undefined) add(where, '(instr(lower(reason), lower(?)) > 0 OR code = ?)', reason, reason);
  if (state !== undefined) add(where, `redrive IS ${state === 'open' ? '' : 'NOT '}NULL`);
}

/** @throws HeddleError `not-found` for what cannot be the id of a letter */
function positionOf(id: string): { partition: number; offset: number } {
  const [, partition, offset] = /^(\d{1,5})-(\d{1,15})$/.exec(id) ?? [];
  if (partition === undefined) throw new HeddleError('not-found', `There is no dead letter ${id.slice(0, 64)}.`);
  return { partition: Number(partition), offset: Number(offset) };
}

function refOf(row: LetterRow): DeadLetterRef {
  const { partition, position, tenant, queue, uuid, attempts } = row;
  const { id, source, type, key, partition: eventPartition, offset } = letterView(row).event;
  return {
    id: `${partition}-${position}`,
    partition,
    offset: position,
    event: { topic: row.topic ?? '', partition: eventPartition, offset, id, source, type, key },
    tenant,
    queue: queue === null || uuid === null ? undefined : { name: queue, uuid },
    attempts: attempts ?? 0,
  };
}

function letterView(row: LetterRow): DeadLetterView {
  const { partition, position, event_id, source, type, key, queue, uuid, consumer_group, redrive, redriven_at } = row;
  return {
    id: `${partition}-${position}`,
    event: {
      id: event_id,
      source,
      type,
      key,
      topic: objectOf(row.topic ?? ''),
      partition: row.event_partition ?? 0,
      offset: row.event_position ?? 0,
      href: eventHref(event_id, source),
    },
    at: isoTime(row.at),
    ...(queue === null ? {} : { queue }),
    ...(uuid === null ? {} : { queueUuid: uuid }),
    ...(consumer_group === null ? {} : { group: consumer_group }),
    cycle: row.cycle,
    reason: row.reason ?? '',
    code: row.code ?? '',
    ...(row.attempts === null ? {} : { attempts: row.attempts }),
    ...(row.first_at === null ? {} : { firstAt: isoTime(row.first_at) }),
    ...(row.answer === null ? {} : { lastAnswer: row.answer }),
    state: redrive === null ? 'open' : 'redriven',
    ...(redrive === null ? {} : { redriven: { by: redrive, at: isoTime(redriven_at ?? 0) } }),
  };
}

/** The attributes that are there. */
export function present(attributes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
