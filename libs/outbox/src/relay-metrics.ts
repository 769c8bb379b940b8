import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type AnyTransaction, runIn } from './sql-transaction.js';

/** Rows counted at most: a scrape must not read a backlog of millions. */
const COUNT_LIMIT = 100_000;

/** The figures of one outbox and the relay of this process. */
export class RelayMetrics {
  readonly #appended: Counter;
  readonly #failures: Counter;
  readonly #seconds: Histogram;

  /** @param db a database, or anything else that statements can be run in */
  constructor(registry: Registry, db: AnyTransaction) {
    this.#appended = new Counter({
      name: 'heddle_outbox_appended_total',
      help: 'Events that this relay carried to the log',
      registers: [registry],
    });
    this.#failures = new Counter({
      name: 'heddle_outbox_append_failures_total',
      help: 'Appends that the log did not acknowledge; they are tried again',
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: 'heddle_outbox_append_seconds',
      help: 'Time from an append to its acknowledgement',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2, 10, 30],
      registers: [registry],
    });
    const oldest = new Gauge({
      name: 'heddle_outbox_oldest_seconds',
      help: 'Age of the oldest event that is not in the log yet',
      registers: [registry],
    });
    new Gauge({
      name: 'heddle_outbox_pending',
      help: `Events that are not in the log yet, counted up to ${COUNT_LIMIT}`,
      registers: [registry],
      async collect() {
        const pending = await pendingIn(db);
        this.set(pending.count);
        oldest.set(pending.oldestSeconds);
      },
    });
  }

  appended(count: number, seconds: number): void {
    if (count > 0) this.#appended.inc(count);
    this.#seconds.observe(seconds);
  }

  failed(): void {
    this.#failures.inc();
  }
}

const PENDING = `
  select count(*)::integer as count,
    coalesce(extract(epoch from clock_timestamp() - min(raised_at)), 0)::float8 as oldest
  from (select raised_at from outbox limit ${COUNT_LIMIT}) as unsent`;

/** NaN for both when the database does not answer: a scrape shows the rest all the same. */
async function pendingIn(db: AnyTransaction): Promise<{ count: number; oldestSeconds: number }> {
  try {
    const [row] = (await runIn(db, PENDING, [])) as { count: number; oldest: number }[];
    return { count: row?.count ?? 0, oldestSeconds: row?.oldest ?? 0 };
  } catch {
    return { count: Number.NaN, oldestSeconds: Number.NaN };
  }
}
