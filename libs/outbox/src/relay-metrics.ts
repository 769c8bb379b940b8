import { type QueryExecutorProvider, sql } from 'kysely';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Rows counted at most: a scrape must not read a backlog of millions. */
const COUNT_LIMIT = 100_000;

/** The figures of one outbox and the relay of this process. */
export class RelayMetrics {
  readonly #appended: Counter;
  readonly #failures: Counter;
  readonly #seconds: Histogram;

  constructor(registry: Registry, db: QueryExecutorProvider) {
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

/** NaN for both when the database does not answer: a scrape shows the rest all the same. */
async function pendingIn(db: QueryExecutorProvider): Promise<{ count: number; oldestSeconds: number }> {
  try {
    const { rows } = await sql<{ count: number; oldest: number }>`
      select count(*) as count,
        coalesce(extract(epoch from clock_timestamp() - min(raised_at)), 0)::float8 as oldest
      from (select raised_at from outbox limit ${sql.lit(COUNT_LIMIT)}) as unsent
    `.execute(db);
    return { count: rows[0]?.count ?? 0, oldestSeconds: rows[0]?.oldest ?? 0 };
  } catch {
    return { count: Number.NaN, oldestSeconds: Number.NaN };
  }
}
