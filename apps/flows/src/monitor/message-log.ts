import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { uuidv7 } from '@heddle/event';
import type { ReceiverAnswer } from '../message.js';
import type { PassedStep } from '../pass.js';
import { openMessages } from './message-file.js';
import { type MessageEntry, type MessageState, OPEN_STATES, isOpen } from './message-entry.js';

/** Tells messages of all flows apart. */
export interface MessageName {
  flow: string;
  source: string;
  message: string;
}

/** What changes about an entry; what is left out stays. */
export interface EntryChange {
  state?: MessageState;
  cycle?: string;
  dueAt?: number | null;
  attempts?: number;
  steps?: readonly PassedStep[];
  error?: string | null;
  answer?: ReceiverAnswer | null;
  isTaken?: boolean;
  cancelledBy?: string | null;
  redrives?: number;
}

export interface EntryFilter {
  flows: readonly string[];
  state?: MessageState | undefined;
  message?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
  /** Entries after this one, in the order of the list. */
  after?: string | undefined;
  limit: number;
}

/** An entry as its table has it. */
interface Row {
  id: string;
  flow: string;
  source: string;
  message: string;
  state: MessageState;
  cycle: string;
  received_at: number;
  changed_at: number;
  due_at: number | null;
  attempts: number;
  steps: string;
  error: string | null;
  answer: string | null;
  is_taken: number;
  cancelled_by: string | null;
  redrives: number;
}

const TABLES = `
CREATE TABLE IF NOT EXISTS entry (id TEXT PRIMARY KEY, flow TEXT, source TEXT, message TEXT, state TEXT, cycle TEXT,
  received_at INTEGER, changed_at INTEGER, due_at INTEGER, attempts INTEGER, steps TEXT, error TEXT, answer TEXT,
  is_taken INTEGER, cancelled_by TEXT, redrives INTEGER, UNIQUE (flow, source, message)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_open ON entry (state, changed_at);
`;

/**
 * What became of every message. A file of SQLite's, as it is looked through by time, flow, state and id; what is true is
 * the queue: a log that is lost begins empty, and what is still to be done comes again.
 */
export class MessageLog {
  readonly #db: DatabaseSync;
  /** Where the file is now that could not be read, where this began empty for that. */
  readonly damaged: string | undefined;

  /**
   * @param folder none keeps it in memory
   * @param onEnd hears of each message that comes to a final state
   */
  constructor(
    folder: string | undefined,
    private readonly onEnd: (flow: string, state: MessageState) => void = () => undefined,
  ) {
    const { db, damaged } = openMessages(folder, TABLES);
    this.#db = db;
    this.damaged = damaged;
  }

  /** The entry of a message, made when there is none. */
  of({ flow, source, message }: MessageName, now = Date.now()): MessageEntry {
    this.#db
      .prepare(
        `INSERT INTO entry (id, flow, source, message, state, cycle, received_at, changed_at, attempts, steps,
          is_taken, redrives) VALUES (?, ?, ?, ?, 'processing', '', ?, ?, 0, '[]', 0, 0) ON CONFLICT DO NOTHING`,
      )
      .run(uuidv7(), flow, source, message, now, now);
    const row = this.#db
      .prepare('SELECT * FROM entry WHERE flow = ? AND source = ? AND message = ?')
      .get(flow, source, message);
    return entryOf(row as unknown as Row);
  }

  get(id: string): MessageEntry | undefined {
    const row = this.#db.prepare('SELECT * FROM entry WHERE id = ?').get(id);
    return row === undefined ? undefined : entryOf(row as unknown as Row);
  }

  change(id: string, change: EntryChange, now = Date.now()): void {
    const { dueAt, isTaken, cancelledBy, steps, answer, ...same } = change;
    const columns: Record<string, SQLInputValue | undefined> = {
      ...same,
      due_at: dueAt,
      is_taken: isTaken === undefined ? undefined : Number(isTaken),
      cancelled_by: cancelledBy,
      steps: steps === undefined ? undefined : JSON.stringify(steps),
      answer: answer === undefined || answer === null ? answer : JSON.stringify(answer),
      changed_at: now,
    };
    const { state } = change;
    const before = state === undefined || isOpen(state) ? undefined : this.get(id);
    const given = Object.entries(columns).filter(([, value]) => value !== undefined) as [string, SQLInputValue][];
    const assignments = given.map(([name]) => `${name} = ?`).join(', ');
    this.#db.prepare(`UPDATE entry SET ${assignments} WHERE id = ?`).run(...given.map(([, value]) => value), id);
    if (before !== undefined && state !== undefined && before.state !== state) this.onEnd(before.flow, state);
  }

  /** The newest first. */
  list({ flows, state, message, since, until, after, limit }: EntryFilter): MessageEntry[] {
    const where: [string, SQLInputValue | undefined][] = [
      ['flow IN (SELECT value FROM json_each(?))', JSON.stringify(flows)],
      ['state = ?', state],
      ['message = ?', message],
      ['received_at >= ?', since],
      ['received_at < ?', until],
      // Ids begin with their time: by them is by age.
      ['id < ?', after],
    ];
    const given = where.filter((condition): condition is [string, SQLInputValue] => condition[1] !== undefined);
    const sql = `SELECT * FROM entry WHERE ${given.map(([text]) => text).join(' AND ')} ORDER BY id DESC LIMIT ?`;
    const rows = this.#db.prepare(sql).all(...given.map(([, value]) => value), limit);
    return rows.map((row) => entryOf(row as unknown as Row));
  }

  /** Those that are not final and have not changed, or been due, since then. */
  stale(before: number, limit: number): MessageEntry[] {
    const sql = `SELECT * FROM entry WHERE state IN (SELECT value FROM json_each(?)) AND changed_at < ?
      AND coalesce(due_at, 0) < ? ORDER BY changed_at LIMIT ?`;
    const rows = this.#db.prepare(sql).all(JSON.stringify(OPEN_STATES), before, before, limit);
    return rows.map((row) => entryOf(row as unknown as Row));
  }

  /** How many entries of each flow are in each state. */
  counts(): Map<string, Partial<Record<MessageState, number>>> {
    const rows = this.#db.prepare('SELECT flow, state, count(*) AS n FROM entry GROUP BY flow, state').all();
    const counts = new Map<string, Partial<Record<MessageState, number>>>();
    for (const { flow, state, n } of rows) {
      counts.set(String(flow), { ...counts.get(String(flow)), [state as MessageState]: Number(n) });
    }
    return counts;
  }

  /** When the oldest of each flow was received that is not final. */
  oldest(): Map<string, number> {
    const sql = `SELECT flow, min(received_at) AS at FROM entry WHERE state IN (SELECT value FROM json_each(?))
      GROUP BY flow`;
    const rows = this.#db.prepare(sql).all(JSON.stringify(OPEN_STATES));
    return new Map(rows.map(({ flow, at }) => [String(flow), Number(at)]));
  }

  /** Forgets what is final for so long. */
  prune(before: number): void {
    const sql = 'DELETE FROM entry WHERE changed_at < ? AND state NOT IN (SELECT value FROM json_each(?))';
    this.#db.prepare(sql).run(before, JSON.stringify(OPEN_STATES));
  }

  close(): void {
    this.#db.close();
  }
}

function entryOf(row: Row): MessageEntry {
  return {
    id: row.id,
    flow: row.flow,
    message: row.message,
    source: row.source,
    state: row.state,
    cycle: row.cycle,
    receivedAt: row.received_at,
    changedAt: row.changed_at,
    dueAt: row.due_at ?? undefined,
    attempts: row.attempts,
    steps: JSON.parse(row.steps) as PassedStep[],
    error: row.error ?? undefined,
    answer: row.answer === null ? undefined : (JSON.parse(row.answer) as ReceiverAnswer),
    isTaken: row.is_taken === 1,
    cancelledBy: row.cancelled_by ?? undefined,
    redrives: row.redrives,
  };
}
