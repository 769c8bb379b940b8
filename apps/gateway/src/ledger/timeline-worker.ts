/**
 * The thread that keeps the index: SQLite blocks its caller, and reading batches of attempts is work. It imports
 * nothing of ours and has no syntax but types that must be taken off, for it is started by its file name, from the
 * build as from the sources.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import type { AttemptBatch, BatchContext, BatchRow } from './attempt-batch.js';

/** What is asked of the thread; each is answered with the same id. */
export type Ask =
  | { id: number; ask: 'open'; file: string; isFresh: boolean }
  | { id: number; ask: 'take'; taken: Taken }
  | { id: number; ask: 'read'; sql: string; values: SQLInputValue[] }
  | { id: number; ask: 'prune'; before: number; maxRows: number }
  | { id: number; ask: 'close' };

/** `isBroken`: the file is damaged, and of no use any more. */
export type Told = { id: number; value: unknown } | { id: number; error: string; isBroken: boolean };

/** Records of one partition, up to `next` (exclusive). Their offsets rise. */
export interface Taken {
  kind: 'events' | 'attempts' | 'dead-letters' | 'operations' | 'audit';
  topic: string;
  partition: number;
  next: number;
  records: TakenRecord[];
}

export interface TakenRecord {
  offset: number;
  appendedAt: number;
  id: string;
  source: string;
  type: string;
  key: string;
  time: string | undefined;
  /** Of its value, as it stands in the log. */
  bytes: number;
  notes: Readonly<Record<string, string>> | undefined;
  /** The bytes, where what they say is wanted. */
  value: Uint8Array | undefined;
}

/** Of another format is as good as lost: it is made anew. */
const FORMAT = 5;

const SQLITE_BUSY = 5;
/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const BROKEN = new Set([11, 26]);
/** A file of SQLite's own, gone when it is closed: what does not fit into its cache takes no memory. */
const TEMPORARY = '';

const TABLES = `
CREATE TABLE place (topic TEXT, partition INTEGER, next INTEGER, at INTEGER, PRIMARY KEY (topic, partition));
CREATE TABLE record (id TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;
CREATE INDEX record_at ON record (at);
CREATE TABLE event (id INTEGER PRIMARY KEY, topic TEXT, partition INTEGER, position INTEGER, event_id TEXT,
  source TEXT, type TEXT, key TEXT, time TEXT, at INTEGER, bytes INTEGER);
CREATE INDEX event_event ON event (event_id);
CREATE INDEX event_key ON event (key, topic);
CREATE INDEX event_at ON event (at);
CREATE TABLE context (id INTEGER PRIMARY KEY, text TEXT UNIQUE, tenant TEXT, queue TEXT, uuid TEXT, cycle TEXT,
  topic TEXT, source TEXT, type TEXT, receiver_kind TEXT, receiver TEXT, template TEXT, names TEXT);
CREATE INDEX context_queue ON context (tenant, queue);
CREATE INDEX context_receiver ON context (tenant, receiver);
CREATE TABLE attempt (id INTEGER PRIMARY KEY, context INTEGER, partition INTEGER, position INTEGER, event_id TEXT,
  key TEXT, attempt INTEGER, at INTEGER, took INTEGER, code INTEGER, status INTEGER, first_byte INTEGER,
  details TEXT, header_values TEXT);
CREATE INDEX attempt_context ON attempt (context, at);
CREATE INDEX attempt_failed ON attempt (context, at) WHERE (code & 3) <> 0;
CREATE INDEX attempt_event ON attempt (event_id);
CREATE INDEX attempt_at ON attempt (at);
CREATE TABLE dead_letter (partition INTEGER, position INTEGER, at INTEGER, event_id TEXT, source TEXT, type TEXT,
  key TEXT, tenant TEXT, queue TEXT, uuid TEXT, cycle TEXT, consumer_group TEXT, reason TEXT, code TEXT,
  attempts INTEGER, topic TEXT, event_partition INTEGER, event_position INTEGER, first_at INTEGER, answer TEXT,
  redrive TEXT, redriven_at INTEGER, PRIMARY KEY (partition, position));
CREATE UNIQUE INDEX dead_letter_once ON dead_letter (uuid, cycle, topic, event_partition, event_position);
CREATE INDEX dead_letter_queue ON dead_letter (tenant, queue, at);
CREATE INDEX dead_letter_event ON dead_letter (event_id);
CREATE INDEX dead_letter_at ON dead_letter (tenant, at);
CREATE TABLE operation (id INTEGER PRIMARY KEY, tenant TEXT, at INTEGER, kind TEXT, name TEXT, data TEXT);
CREATE INDEX operation_at ON operation (tenant, at);
CREATE TABLE audit (id INTEGER PRIMARY KEY, tenant TEXT, at INTEGER, who TEXT, action TEXT, target TEXT, data TEXT);
CREATE INDEX audit_at ON audit (tenant, at);
`;

/** The place of the final state `accepted` in the code of a row of a batch. */
const ACCEPTED = 1;

const TABLE_OF = { events: 'event', attempts: 'attempt' } as const;
/** So that a prune never holds up a look-up for long. */
const PRUNE_ROWS = 20_000;

/** The database of the index: takes records in, answers queries. */
export class TimelineStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Ids of the contexts that were met, by their text. */
  readonly #contexts = new Map<string, number>();
  /** Most have none, and are spared to look for one with each acceptance. */
  #hasLetters: boolean;

  constructor(file: string, isFresh = false) {
    this.#db = open(file, isFresh);
    this.#hasLetters = this.read('SELECT 1 FROM dead_letter LIMIT 1', []).length > 0;
  }

  /** How far each partition was taken in, and when the log took the last record of it. */
  places(): { topic: string; partition: number; next: number; at: number }[] {
    return this.read('SELECT topic, partition, next, at FROM place', []) as never;
  }

  /** All of it or nothing, with the place it comes to. */
  take(taken: Taken): void {
    this.#db.exec('BEGIN');
    try {
      for (const record of taken.records) this.#add(taken, record);
      const at = taken.records.at(-1)?.appendedAt ?? 0;
      this.#run(
        'INSERT INTO place VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next, at = max(at, excluded.at)',
        [taken.topic, taken.partition, taken.next, at],
      );
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      this.#contexts.clear();
      throw error;
    }
  }

  read(sql: string, values: SQLInputValue[]): unknown[] {
    return this.#statement(sql).all(...values);
  }

  /** Forgets what is older than a time, and the oldest beyond a number of rows; whether there may be more of it. */
  prune(before: number, maxRows: number): boolean {
    let pruned = 0;
    for (const table of Object.values(TABLE_OF)) {
      const old = `SELECT id FROM ${table} WHERE at < ? LIMIT ${PRUNE_ROWS}`;
      pruned = Math.max(pruned, this.#run(`DELETE FROM ${table} WHERE id IN (${old})`, [before]));
      const many = `SELECT id FROM ${table} WHERE id <= (SELECT max(id) FROM ${table}) - ? LIMIT ${PRUNE_ROWS}`;
      pruned = Math.max(pruned, this.#run(`DELETE FROM ${table} WHERE id IN (${many})`, [maxRows]));
    }
    this.#run('DELETE FROM record WHERE at < ?', [before]);
    this.#run('DELETE FROM dead_letter WHERE redriven_at < ?', [before]);
    return pruned >= PRUNE_ROWS;
  }

  close(): void {
    this.#db.close();
  }

  #add({ kind, topic, partition }: Taken, record: TakenRecord): void {
    const { offset, appendedAt, id, source, type, key, time, bytes } = record;
    if (kind === 'events') {
      const values = [topic, partition, offset, id, source, type, key, time ?? null, appendedAt, bytes];
      this.#run('INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', values);
      return;
    }
    if (kind === 'dead-letters') {
      this.#addDeadLetter(partition, record);
      return;
    }
    // A record that was written again after a failure has the id of the first.
    if (this.#run('INSERT INTO record VALUES (?, ?) ON CONFLICT DO NOTHING', [id, appendedAt]) === 0) return;
    const data = parsed(record.value);
    if (kind === 'attempts') {
      if (data?.['format'] === 1) this.#addAttempts(data as unknown as AttemptBatch);
      return;
    }
    const text = (name: string): string => (typeof data?.[name] === 'string' ? data[name] : '');
    const at = Date.parse(text('at')) || appendedAt;
    const json = JSON.stringify(data ?? {});
    if (kind === 'operations') {
      const values = [text('tenant'), at, text('kind'), text('name'), json];
      this.#run('INSERT INTO operation VALUES (NULL, ?, ?, ?, ?, ?)', values);
    } else {
      const values = [text('tenant'), at, text('who'), text('action'), text('target'), json];
      this.#run('INSERT INTO audit VALUES (NULL, ?, ?, ?, ?, ?, ?)', values);
    }
  }

  #addAttempts({ at, contexts, rows }: AttemptBatch): void {
    const ids = contexts.map((context) => this.#contextId(context));
    const insert = this.#statement('INSERT INTO attempt VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    for (const row of rows) {
      const [context, partition, offset, eventId, key, attempt, begun, took, code, status, firstByte, details] = row;
      const headers = row.slice(12) as BatchRow[12][];
      insert.run(
        ids[context] ?? 0,
        partition,
        offset,
        eventId,
        key,
        attempt,
        at + begun,
        took,
        code,
        status,
        firstByte,
        details === 0 ? null : JSON.stringify(details),
        headers.length === 0 ? null : JSON.stringify(headers),
      );
      if (isAccepted(code)) this.#voidLetter(contexts[context]!, partition, offset);
    }
  }

  /**
   * What was accepted in a delivery cycle is not dead in it: an owner that was cut off from the log may write late that it
   * gave up what the next one delivered.
   */
  #voidLetter([, , uuid, cycle, topic]: BatchContext, partition: number, offset: number): void {
    if (!this.#hasLetters) return;
    const place = 'uuid = ? AND cycle = ? AND topic = ? AND event_partition = ? AND event_position = ?';
    const values = [uuid, cycle, topic, partition, offset];
    this.#run(`DELETE FROM dead_letter WHERE ${place} AND redrive IS NULL`, values);
  }

  #wasAccepted(eventId: string, uuid: string | null, cycle: string, place: (string | number | null)[]): boolean {
    if (uuid === null) return false;
    const accepted = `SELECT 1 FROM attempt a JOIN context c ON c.id = a.context WHERE a.event_id = ? AND c.uuid = ?
      AND c.cycle = ? AND c.topic = ? AND a.partition = ? AND a.position = ? AND ((a.code >> 2) & 3) = ${ACCEPTED} LIMIT 1`;
    return this.read(accepted, [eventId, uuid, cycle, ...place]).length > 0;
  }

  #contextId(context: BatchContext): number {
    const text = JSON.stringify(context);
    const known = this.#contexts.get(text);
    if (known !== undefined) return known;
    const [tenant, queue, uuid, cycle, topic, source, type, receiverKind, receiver, template, names] = context;
    const found = this.read('SELECT id FROM context WHERE text = ?', [text]) as { id: number }[];
    let id = found[0]?.id;
    if (id === undefined) {
      const values = [text, tenant, queue, uuid, cycle, topic, source, type, receiverKind, receiver];
      const written = [template === 0 ? null : JSON.stringify(template), JSON.stringify(names)];
      const insert = this.#statement('INSERT INTO context VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
      id = Number(insert.run(...values, ...written).lastInsertRowid);
    }
    if (this.#contexts.size > 10_000) this.#contexts.clear();
    this.#contexts.set(text, id);
    return id;
  }

  /** A letter, or the mark that one was redriven. */
  #addDeadLetter(partition: number, { offset, appendedAt, id, source, type, key, notes = {} }: TakenRecord): void {
    const note = (name: string): string | null => notes[`heddle-${name}`] ?? null;
    const numeric = (name: string): number | null => (note(name) === null ? null : Number(note(name)));
    const redrive = note('redriven');
    if (redrive !== null) {
      const [letterPartition, letterOffset] = (note('letter') ?? '').split('-').map(Number);
      const sql = 'UPDATE dead_letter SET redrive = ?, redriven_at = ? WHERE partition = ? AND position = ?';
      this.#run(`${sql} AND redrive IS NULL`, [redrive, appendedAt, letterPartition ?? -1, letterOffset ?? -1]);
      return;
    }
    // The groups of services do not name their tenant: it is that of the topic, which has it in front.
    const tenant = note('tenant') ?? /^([^.]*)\./.exec(note('topic') ?? '')?.[1] ?? 'local';
    const about = [tenant, note('queue'), note('queue-uuid'), note('cycle') ?? '', note('group')];
    const why = [note('reason'), note('code'), numeric('attempts')];
    const origin = [note('topic'), numeric('partition'), numeric('offset'), numeric('first-at'), note('last-answer')];
    if (this.#wasAccepted(id, note('queue-uuid'), note('cycle') ?? '', origin.slice(0, 3))) return;
    this.#hasLetters = true;
    // Appended twice, as after an append nobody answered, it is one letter: that of a delivery cycle, which ends once.
    this.#run('INSERT OR IGNORE INTO dead_letter VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL)', [
      ...[partition, offset, appendedAt, id, source, type, key],
      ...about,
      ...why,
      ...origin,
    ]);
  }

  #run(sql: string, values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size > 200) this.#statements.clear();
      this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    }
    return statement;
  }
}

function isAccepted(code: number): boolean {
  return ((code >> 2) & 3) === ACCEPTED;
}

/** What cannot be read, or is of another format, is removed: all of it stands in the log. */
function open(file: string, isFresh: boolean): DatabaseSync {
  if (file === TEMPORARY) return prepared(new DatabaseSync(file));
  if (isFresh) remove(file);
  try {
    return prepared(new DatabaseSync(file));
  } catch (error) {
    // Another process has this file: it stays, and this one has its index for itself.
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return prepared(new DatabaseSync(TEMPORARY));
    remove(file);
    return prepared(new DatabaseSync(file));
  }
}

function prepared(db: DatabaseSync): DatabaseSync {
  try {
    // One process has it; and what the power takes is read from the log again.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;');
    db.exec('PRAGMA cache_size = -16384;');
    const { user_version: format } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (format === 0) db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${FORMAT}; COMMIT;`);
    else if (format !== FORMAT) throw new Error(`the index is of format ${format}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function remove(file: string): void {
  for (const part of [file, `${file}-wal`, `${file}-shm`]) rmSync(part, { force: true });
}

function parsed(value: Uint8Array | undefined): Record<string, unknown> | undefined {
  try {
    return JSON.parse(Buffer.from(value ?? []).toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

let store: TimelineStore | undefined;

function answer(ask: Ask): unknown {
  if (ask.ask === 'open') {
    store?.close();
    store = new TimelineStore(ask.file, ask.isFresh);
    return store.places();
  }
  if (store === undefined) throw new Error('the index is not open');
  switch (ask.ask) {
    case 'take':
      return store.take(ask.taken);
    case 'read':
      return store.read(ask.sql, ask.values);
    case 'prune':
      return store.prune(ask.before, ask.maxRows);
    case 'close':
      store.close();
      return (store = undefined);
  }
}

function told(ask: Ask): Told {
  try {
    return { id: ask.id, value: answer(ask) };
  } catch (error) {
    const isBroken = BROKEN.has((error as { errcode?: number }).errcode ?? 0);
    return { id: ask.id, error: String(error), isBroken };
  }
}

parentPort?.on('message', (ask: Ask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
  parentPort?.postMessage(told(ask));
});
