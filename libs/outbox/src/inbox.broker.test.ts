import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inbox } from './inbox.js';
import { InboxCleaner, type InboxCleanerOptions } from './inbox-cleaner.js';
import { Trial } from './trial.js';

const DAY_MS = 86_400_000;

describe('the inbox', () => {
  let trial: Trial;
  const inbox = new Inbox('billing');
  const event = (id: string) => ({ source: '/orders', id });

  beforeEach(async () => {
    trial = await Trial.open();
  });

  afterEach(() => trial.close());

  const enter = (id: string, of = inbox): Promise<boolean> =>
    trial.db.transaction().execute((tx) => of.enter(tx, event(id)));
  const count = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from inbox`.execute(trial.db);
    return rows[0]?.count ?? 0;
  };

  it('takes an event once for each consumer, and not the same id of another source for the same event', async () => {
    expect([await enter('1'), await enter('1'), await enter('2')]).toEqual([true, false, true]);
    expect(await enter('1', new Inbox('shipping'))).toBe(true);
    const elsewhere = trial.db.transaction().execute((tx) => inbox.enter(tx, { source: '/returns', id: '1' }));
    expect(await elsewhere).toBe(true);
  });

  it('knows nothing of an event whose effect was rolled back', async () => {
    const failed = trial.db.transaction().execute(async (tx) => {
      expect(await inbox.enter(tx, event('1'))).toBe(true);
      throw new Error('changed its mind');
    });
    await expect(failed).rejects.toThrow('changed its mind');
    expect(await enter('1')).toBe(true);
  });

  it('of two that handle the same event at the same time one has the effect: the other waits, or takes its place', async () => {
    for (const commits of [true, false]) {
      const entered = Promise.withResolvers<void>();
      const end = Promise.withResolvers<void>();
      const first = trial.db.transaction().execute(async (tx) => {
        await inbox.enter(tx, event(`${commits}`));
        entered.resolve();
        await end.promise;
        if (!commits) throw new Error('changed its mind');
      });
      await entered.promise;
      const second = enter(`${commits}`);
      await vi.waitFor(
        async () => {
          const { rows } = await sql`select 1 from pg_locks where not granted`.execute(trial.db);
          expect(rows.length).toBeGreaterThan(0);
        },
        { timeout: 10_000 },
      );
      end.resolve();
      await first.catch((error: unknown) => expect(error).toMatchObject({ message: 'changed its mind' }));
      expect(await second).toBe(!commits);
    }
  });

  describe('is cleaned', () => {
    const quiet = { info: () => {}, warn: () => {} };
    const cleaner = (options: Partial<InboxCleanerOptions> = {}) =>
      new InboxCleaner({ database: trial.database, log: quiet, keepMs: 30 * DAY_MS, rowsPerRun: 10, ...options });

    beforeEach(async () => {
      await sql`
        insert into inbox (consumer, source, id, handled_at)
        select 'billing', '/orders', 'old-' || n, now() - interval '31 days' - n * interval '1 minute'
        from generate_series(1, 25) as n
      `.execute(trial.db);
      await enter('young');
    });

    it('of what is older than it has to be kept, the oldest first, and no more in a run than it may', async () => {
      const runs = [];
      for (let run = 0; run < 4; run += 1) runs.push(await cleaner().clean());
      expect(runs).toEqual([10, 10, 5, 0]);
      expect([await count(), await enter('young'), await enter('old-1')]).toEqual([1, false, true]);
    });

    it('by several at a time without one waiting for another, and without any entry counted twice', async () => {
      const runs = await Promise.all(Array.from({ length: 4 }, () => cleaner().clean()));
      const removed = runs.reduce((sum, run) => sum + run, 0);
      expect(removed).toBe(26 - (await count()));
      expect(removed).toBeGreaterThanOrEqual(10);
    });

    it('by itself, run after run, until nothing old is left', async () => {
      const cleaning = cleaner();
      cleaning.start();
      await vi.waitFor(async () => expect(await count()).toBe(1), { timeout: 15_000 });
      await cleaning.stop();
    });
  });
});
