import {
  type Append,
  type AppendOutcome,
  type EventLog,
  HeddleError,
  formatSequence,
  partitionOf,
} from '@heddle/event';
import type { Database } from './database.js';
import { KeyGate } from './key-gate.js';
import { SHARD_COUNT } from './outbox-tables.js';
import type { PreparingClient } from './preparing-client.js';
import type { RelayMetrics } from './relay-metrics.js';
import { RELAYS_CHANNEL, ShardClaims } from './shard-claims.js';
import { UnsentRows, type Mark, type UnsentRow } from './unsent-rows.js';
import { WakeUp } from './wake-up.js';

/** What the relay needs of a log; pino's fits. */
export interface RelayLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What a relay reads and where it appends, and how often it looks. */
export interface RelayOptions {
  database: Pick<Database<unknown>, 'connect'>;
  eventLog: Pick<EventLog, 'append'>;
  log: RelayLog;
  metrics?: RelayMetrics;
  /** How long other relays leave the shards of one that no longer renews. */
  leaseMs?: number;
  /** How often the outbox is looked at without being told of a commit. */
  pollMs?: number;
}

/** Rows committed: payload is the session of the relay beside the writer. */
const ROWS_CHANNEL = 'heddle_rows';
/** Rows read in one go, and rows on their way to the log at most. */
const BATCH_ROWS = 512;
const MAX_ROWS_UNDER_WAY = 2048;
/** Marks wait this long for a read to travel with; what is not marked when the process dies is appended again. */
const MARK_DELAY_MS = 10;
const RECONNECT_DELAY_MS = 250;

/**
 * Carries outbox rows to the event log: per key in commit order, each at least once, marked only after the log
 * acknowledged it. Any number of relays may run on one outbox. A failing key holds back only its own later rows. It
 * never keeps a cursor: it reads what is unsent, so a transaction that commits late is missed by nobody.
 */
export class Relay {
  readonly #options: Required<Omit<RelayOptions, 'metrics'>> & Pick<RelayOptions, 'metrics'>;
  readonly #gate = new KeyGate();
  readonly #wakeUp = new WakeUp();
  #marks: Mark[] = [];
  #cycle = 0;
  #woken = false;
  #hasMore = false;
  #running: Promise<void> | undefined;
  #stopBy: number | undefined;
  #isDrained = false;

  constructor(options: RelayOptions) {
    this.#options = { leaseMs: 10_000, pollMs: 1000, ...options };
  }

  /** Begins; the database and the log need not be there yet. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Says that a transaction with events has committed; relays of other processes learn it, too. Costs nothing. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp.now();
  }

  /** Carries over what is unsent, for at most the time given, then gives its shards to other relays. */
  async stop(drainMs = 5000): Promise<void> {
    this.#stopBy ??= performance.now() + drainMs;
    this.#isDrained = false;
    this.#wakeUp.now();
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempts = 0;
    while (!this.#isOver()) {
      try {
        await this.#serve(() => (attempts = 0));
      } catch (error) {
        attempts += 1;
        if (this.#stopBy !== undefined) return;
        const delay = Math.min(5000, RECONNECT_DELAY_MS * attempts);
        this.#options.log.warn(
          { event: 'relay-interrupted', retryMs: delay, err: error },
          'the relay lost its database session',
        );
        await this.#wakeUp.wait(delay);
      }
    }
  }

  /** Works with one database session until that is lost or the relay stops. */
  async #serve(onReady: () => void): Promise<void> {
    const { database, leaseMs, pollMs } = this.#options;
    const client = await database.connect();
    let isLost = false;
    client.on('end', () => {
      isLost = true;
      this.#wakeUp.now();
    });
    try {
      // A mark lost with a crash of the database is one repeat; to wait for the disk would cost every batch a sync.
      await client.query('set synchronous_commit = off');
      const claims = new ShardClaims(client, leaseMs);
      await claims.begin();
      await this.#listen(client, claims);
      const unsent = new UnsentRows(client, BATCH_ROWS);
      onReady();
      while (!this.#isOver()) {
        if (isLost) throw new HeddleError('store-unavailable', 'The database ended the session of the relay.');
        await this.#turn(claims, unsent, client);
        const now = performance.now();
        const wait = Math.min(pollMs, claims.dueIn(now), this.#stopBy === undefined ? Infinity : this.#stopBy - now);
        if (!this.#mayGoOn()) await this.#wakeUp.wait(this.#gate.nextDue(now, Math.max(0, wait)));
      }
      await this.#mark(unsent);
      await claims.end();
      await client.query(`notify ${RELAYS_CHANNEL}`);
    } finally {
      await client.end().catch(() => {});
    }
  }

  async #listen(client: PreparingClient, claims: ShardClaims): Promise<void> {
    client.on('notification', ({ channel, payload }) => {
      if (payload === String(claims.session)) return;
      if (channel === RELAYS_CHANNEL) claims.expire();
      this.#wakeUp.now();
    });
    await client.query(`listen ${ROWS_CHANNEL}`);
    await client.query(`listen ${RELAYS_CHANNEL}`);
    await this.#renew(claims);
    await client.query('select pg_notify($1, $2)', [RELAYS_CHANNEL, String(claims.session)]);
  }

  /** One look at the outbox. */
  async #turn(claims: ShardClaims, unsent: UnsentRows, client: PreparingClient): Promise<void> {
    if (claims.dueIn(performance.now()) === 0) await this.#renew(claims);
    if (this.#woken) {
      this.#woken = false;
      // Told outside of the transaction: inside, NOTIFY would make commits wait for one another.
      if (claims.isShared)
        void client.query('select pg_notify($1, $2)', [ROWS_CHANNEL, String(claims.session)]).catch(() => {});
    }
    const now = performance.now();
    const shards = claims.readable(now);
    if (shards.length === 0 || this.#gate.rows >= MAX_ROWS_UNDER_WAY) {
      await this.#mark(unsent);
      this.#isDrained = shards.length === 0 && this.#gate.rows === 0;
      return;
    }
    this.#cycle += 1;
    const rows = await this.#withMarks((marks) => unsent.read(shards, this.#gate.held(now), marks));
    // The read took time: what is appended now must still be ours by our own clock.
    if (claims.readable(performance.now()).length === 0) return;
    this.#isDrained =
      rows.length === 0 && this.#gate.rows === 0 && this.#gate.failing === 0 && this.#marks.length === 0;
    for (const ofKey of byKey(rows)) this.#begin(ofKey);
    this.#hasMore = unsent.mayHaveMore;
  }

  async #renew(claims: ShardClaims): Promise<void> {
    const unmarked = new Set(this.#marks.map(({ shard }) => shard));
    await claims.renew(performance.now(), (shard) => unmarked.has(shard) || this.#gate.isShardBusy(shard));
    this.#gate.forgetFailures((key) => claims.isOwned(partitionOf(key, SHARD_COUNT)));
  }

  async #mark(unsent: UnsentRows): Promise<void> {
    if (this.#marks.length > 0) await this.#withMarks((marks) => unsent.mark(marks));
  }

  /** Hands over the marks there are; those that come meanwhile are for the next time, and a failure loses none. */
  async #withMarks<T>(use: (marks: readonly Mark[]) => Promise<T>): Promise<T> {
    const marks = this.#marks;
    this.#marks = [];
    try {
      return await use(marks);
    } catch (error) {
      this.#marks.push(...marks);
      throw error;
    }
  }

  /** Appends the rows of one key; the others' answers are not waited for. */
  #begin(rows: readonly UnsentRow[]): void {
    const [first] = rows;
    if (first === undefined) return;
    this.#gate.begin(first.key, first.shard, rows.length);
    const cycle = this.#cycle;
    const started = performance.now();
    void this.#append(rows).then((outcomes) => {
      const seconds = (performance.now() - started) / 1000;
      this.#settle(first.key, rows, outcomes, seconds);
      // Rows of this key that were committed meanwhile have been passed over: look again at once. Else only the marks
      // are due, and they can wait for the next read to take them along.
      if (this.#cycle > cycle || this.#hasMore || this.#stopBy !== undefined) this.#wakeUp.now();
      else this.#wakeUp.soon(MARK_DELAY_MS);
    });
  }

  async #append(rows: readonly UnsentRow[]): Promise<readonly AppendOutcome[]> {
    const appends = rows.map(({ topic, key, sequence, attributes, value }): Append => ({
      topic,
      key,
      event: { attributes: { ...attributes, sequence: formatSequence(sequence) }, value },
    }));
    try {
      return await this.#options.eventLog.append(appends);
    } catch (cause) {
      const error = cause instanceof HeddleError ? cause : new HeddleError('internal', 'The append failed.', { cause });
      return rows.map(() => ({ error }));
    }
  }

  #settle(key: string, rows: readonly UnsentRow[], outcomes: readonly AppendOutcome[], seconds: number): void {
    let appended = 0;
    for (const [index, row] of rows.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined || 'error' in outcome) break;
      this.#marks.push({ shard: row.shard, id: row.id });
      appended += 1;
    }
    this.#options.metrics?.appended(appended, seconds);
    if (appended === rows.length) {
      this.#gate.succeeded(key);
      return;
    }
    const outcome = outcomes[appended];
    const error = outcome !== undefined && 'error' in outcome ? outcome.error : undefined;
    const retryMs = this.#gate.failed(key, performance.now());
    this.#options.metrics?.failed();
    this.#options.log.warn(
      { event: 'append-failed', topic: rows[appended]?.topic, key, code: error?.code, detail: error?.message, retryMs },
      'an event was not appended; its key waits',
    );
  }

  #mayGoOn(): boolean {
    return this.#hasMore && this.#gate.rows < MAX_ROWS_UNDER_WAY;
  }

  #isOver(): boolean {
    if (this.#stopBy === undefined) return false;
    return this.#isDrained || performance.now() >= this.#stopBy;
  }
}

function byKey(rows: readonly UnsentRow[]): Iterable<UnsentRow[]> {
  const groups = new Map<string, UnsentRow[]>();
  for (const row of rows) {
    const group = groups.get(row.key);
    if (group === undefined) groups.set(row.key, [row]);
    else group.push(row);
  }
  return groups.values();
}
