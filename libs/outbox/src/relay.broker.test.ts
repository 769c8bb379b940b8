import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sleep, Trial, violations } from './trial.js';

describe('the relay', () => {
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open();
  });

  afterEach(async () => {
    await trial.close();
  });

  const drained = () => vi.waitFor(async () => expect(await trial.unsent()).toBe(0), { timeout: 20_000, interval: 20 });

  it('appends per key in commit order, without gaps, with 16 writers that often roll back and two relays', async () => {
    const relays = [trial.relay(), trial.relay()];
    const writers = Array.from({ length: 16 }, async () => {
      for (let round = 0; round < 40; round += 1) {
        const keys = new Set(Array.from({ length: 1 + (round % 3) }, () => `k${Math.floor(Math.random() * 12)}`));
        const outcome = trial.book([...keys], () => {
          if (Math.random() < 0.3) throw new Error('rolled back on purpose');
        });
        await outcome.then(
          () => relays[round % 2]?.wake(),
          (error: unknown) => expect(error).toMatchObject({ message: 'rolled back on purpose' }),
        );
      }
    });
    await Promise.all(writers);
    await drained();
    const committed = await trial.committed();
    expect(committed.size).toBe(12);
    expect(violations(trial.log, committed)).toEqual([]);
    const { rows } = await trial.database.connect().then(async (client) => {
      const result = await client.query<{ owner: number; shards: number }>(
        'select owner, count(*) as shards from outbox_shard group by owner',
      );
      await client.end();
      return result;
    });
    expect(rows.map(({ shards }) => shards)).toEqual([8, 8]);
  });

  it('misses no event of a transaction that stays open while later ones commit', async () => {
    trial.relay();
    let release = (): void => {};
    const open = new Promise<void>((resolve) => (release = resolve));
    const late = trial.book(['slow'], () => open);
    for (let round = 0; round < 20; round += 1) await trial.book(['quick']);
    await vi.waitFor(() => expect(trial.log.sequences('quick')).toHaveLength(20), { timeout: 10_000 });
    expect(trial.log.sequences('slow')).toEqual([]);
    release();
    await late;
    await vi.waitFor(() => expect(trial.log.sequences('slow')).toEqual([1]), { timeout: 10_000 });
  });

  it('carries events on within milliseconds of the commit when told, in this process or another', async () => {
    const [here, there] = [trial.relay({ pollMs: 60_000 }), trial.relay({ pollMs: 60_000 })];
    expect(there).toBeDefined();
    await vi.waitFor(
      async () => {
        const owners = await trial.db.selectFrom('outbox_shard').select('owner').distinct().execute();
        expect(owners.map(({ owner }) => owner)).not.toContain(null);
        expect(owners).toHaveLength(2);
      },
      { timeout: 10_000 },
    );
    for (let key = 0; key < 40; key += 1) {
      await trial.book([`k${key}`]);
      here.wake();
      await vi.waitFor(() => expect(trial.log.sequences(`k${key}`)).toEqual([1]), { timeout: 1000, interval: 1 });
    }
  });

  it('finds events that nobody told it of', async () => {
    trial.relay({ pollMs: 100 });
    await trial.book(['untold']);
    await vi.waitFor(() => expect(trial.log.sequences('untold')).toEqual([1]), { timeout: 10_000 });
  });

  it('holds back only the later events of a key whose append fails', async () => {
    const relay = trial.relay();
    trial.log.fails = ({ key }) => key === 'bad';
    // More than a read takes of one shard: held rows must not crowd out the others.
    for (let round = 0; round < 60; round += 1) await trial.book(['bad']);
    for (let round = 0; round < 5; round += 1) await trial.book(['good', 'better']);
    relay.wake();
    await vi.waitFor(() => expect(trial.log.sequences('good')).toHaveLength(5), { timeout: 10_000 });
    expect(trial.log.sequences('better')).toHaveLength(5);
    expect(trial.log.sequences('bad')).toEqual([]);
    trial.log.fails = () => false;
    await drained();
    expect(violations(trial.log, await trial.committed())).toEqual([]);
  });

  it('hands its shards to another at once when it stops', async () => {
    const first = trial.relay({ leaseMs: 60_000 });
    await trial.book(['a']);
    await vi.waitFor(() => expect(trial.log.sequences('a')).toEqual([1]), { timeout: 10_000 });
    const second = trial.relay({ leaseMs: 60_000, pollMs: 60_000 });
    await first.stop();
    for (let key = 0; key < 20; key += 1) await trial.book([`b${key}`]);
    second.wake();
    await drained();
    expect(violations(trial.log, await trial.committed())).toEqual([]);
  });

  it('leaves its shards to another soon after its session has died, long before its lease ends', async () => {
    let sessions = 0;
    const connect = async () => {
      sessions += 1;
      if (sessions > 1) throw new HeddleError('store-unavailable', 'The process is dead.');
      return trial.database.connect();
    };
    trial.relay({ leaseMs: 10_000, database: { connect } });
    const ownersOf = async () =>
      (await trial.db.selectFrom('outbox_shard').select('owner').distinct().execute()).map(({ owner }) => owner);
    await vi.waitFor(async () => expect(await ownersOf()).not.toContain(null), { timeout: 10_000 });
    const [dead] = await ownersOf();
    await trial.endSessionOf(dead ?? 0);
    const other = trial.relay({ leaseMs: 10_000 });
    await trial.book(['a']);
    other.wake();
    await vi.waitFor(() => expect(trial.log.sequences('a')).toEqual([1]), { timeout: 2000 });
    expect(await ownersOf()).not.toContain(dead);
  });

  it('keeps order and ids when it is stopped beyond its lease and then goes on', async () => {
    const sleep = new Sleep();
    trial.relay({ leaseMs: 300, database: { connect: async () => sleep.over(await trial.database.connect()) } });
    const relays = () => trial.db.selectFrom('outbox_relay').selectAll().execute();
    await vi.waitFor(async () => expect(await relays()).toHaveLength(1), { timeout: 10_000 });
    let acknowledge = (): void => {};
    trial.log.acknowledgement = () => new Promise<void>((resolve) => (acknowledge = resolve));
    await trial.book(['k']);
    await vi.waitFor(() => expect(trial.log.records).toHaveLength(1), { timeout: 3000 });
    trial.log.acknowledgement = () => undefined;
    // It sleeps between append and mark; what its log answered waits, too.
    sleep.begin();
    const other = trial.relay({ leaseMs: 300 });
    await trial.book(['k']);
    await trial.book(['k']);
    other.wake();
    await vi.waitFor(() => expect(trial.log.sequences('k')).toEqual([1, 2, 3]), { timeout: 5000 });
    const repeated = trial.log.records.filter(({ sequence }) => sequence === 1);
    expect(repeated.length).toBeGreaterThan(1);
    acknowledge();
    sleep.end();
    await drained();
    await trial.book(['k']);
    other.wake();
    await drained();
    expect(violations(trial.log, await trial.committed())).toEqual([]);
  });

  it('drains what is unsent when it stops', async () => {
    const relay = trial.relay({ pollMs: 60_000 });
    await trial.book(['a', 'b', 'c']);
    await relay.stop();
    expect(violations(trial.log, await trial.committed())).toEqual([]);
    expect(await trial.unsent()).toBe(0);
  });

  it('goes on by itself after the database has ended its session', async () => {
    const relay = trial.relay();
    await trial.book(['k']);
    relay.wake();
    await vi.waitFor(() => expect(trial.log.sequences('k')).toEqual([1]), { timeout: 10_000 });
    const client = await trial.database.connect();
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await client.end();
    await vi.waitFor(() => trial.book(['k']), { timeout: 5000 });
    relay.wake();
    await vi.waitFor(() => expect(trial.log.sequences('k')).toEqual([1, 2]), { timeout: 5000 });
  });
});
