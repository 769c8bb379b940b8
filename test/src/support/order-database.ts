import pg from 'pg';
import { vi, expect } from 'vitest';

/** The database of sales-order, looked at from outside. */
export class OrderDatabase {
  private constructor(readonly client: pg.Client) {}

  static async open(serverUrl: string): Promise<OrderDatabase> {
    const url = new URL(serverUrl);
    url.pathname = '/sales_order';
    const client = new pg.Client({ connectionString: url.href, application_name: 'test' });
    await client.connect();
    return new OrderDatabase(client);
  }

  /** The version of each of these orders that is there. */
  async versionsOf(keys: Iterable<string>): Promise<Map<string, number>> {
    const { rows } = await this.client.query<{ key: string; version: string }>(
      'select key, version from sales_order where key = any($1)',
      [[...keys]],
    );
    return new Map(rows.map(({ key, version }) => [key, Number(version)]));
  }

  /** Events that no relay has marked as appended yet. */
  async unsent(): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>('select count(*) from outbox');
    return Number(rows[0]?.count);
  }

  async whenDrained(timeout = 30_000): Promise<void> {
    await vi.waitFor(async () => expect(await this.unsent()).toBe(0), { timeout, interval: 50 });
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
