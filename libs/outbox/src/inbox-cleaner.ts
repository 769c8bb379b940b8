import type { Database } from './database.js';
import type { RelayLog } from './relay.js';

/** How long the inbox knows what was handled, and how often it is cleaned. */
export interface InboxCleanerOptions {
  database: Pick<Database<unknown>, 'connect'>;
  log: RelayLog;
  /** How long an event is known as handled, in milliseconds: longer than any event may come again. */
  keepMs: number;
  /** Entries that one run removes at most. */
  rowsPerRun?: number;
  /** Time between two runs. */
  everyMs?: number;
}

/** After a run that came to its limit, the next one is this soon. */
const SOON_MS = 1000;

// Another process may be cleaning, too: what it has its hands on is passed over.
const CLEAN = `delete from inbox where ctid = any(array(
  select ctid from inbox where handled_at < now() - make_interval(secs => $1)
  order by handled_at limit $2 for update skip locked
))`;

/** Forgets what was handled long ago, a bounded number of entries at a time. */
export class InboxCleaner {
  readonly #options: Required<InboxCleanerOptions>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = true;

  constructor(options: InboxCleanerOptions) {
    this.#options = { rowsPerRun: 5000, everyMs: 600_000, ...options };
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#plan(SOON_MS);
  }

  /** Removes what is too old, `rowsPerRun` entries at most, the oldest first; resolves with how many. */
  async clean(): Promise<number> {
    const { database, keepMs, rowsPerRun } = this.#options;
    const client = await database.connect();
    try {
      const { rowCount } = await client.query(CLEAN, [keepMs / 1000, rowsPerRun]);
      return rowCount ?? 0;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => (this.#running = this.#run()), ms);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    const { log, rowsPerRun, everyMs } = this.#options;
    try {
      const count = await this.clean();
      if (count > 0) log.info({ event: 'inbox-cleaned', count }, 'old entries of the inbox were removed');
      this.#plan(count < rowsPerRun ? everyMs : SOON_MS);
    } catch (error) {
      log.warn({ event: 'inbox-not-cleaned', err: error }, 'the inbox could not be cleaned; it is tried again');
      this.#plan(everyMs);
    }
  }
}
