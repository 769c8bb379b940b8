import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { Chance } from '../support/chance.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { OrderDatabase } from '../support/order-database.js';
import { type HistoryReport, checkOrderHistory } from '../support/order-history.js';
import { OrderLoad } from '../support/order-load.js';
import { Orders, freshKey } from '../support/orders.js';

const ground = inject('stack');
const kafka = foreignKafka(ground.kafkaBrokers);

let mesh: Mesh;
let orders: Orders;
let partner: string;
let database: OrderDatabase;

beforeAll(async () => {
  mesh = await sharedMesh();
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  partner = await orders.knownPartner();
  database = await OrderDatabase.open(ground.databaseUrl);
});

afterAll(async () => {
  await database.close();
  await mesh.stop();
});

describe('a service that is killed', () => {
  test('at any moment under load, leaves exactly the events of what it committed, in order and without a gap', async () => {
    const chance = Chance.of('kills of a service');
    const load = new OrderLoad([orders], partner, chance);
    for (let round = 0; round < 5; round += 1) {
      await delay(chance.between(100, 700));
      await mesh.killApp('sales-order');
      await mesh.startApp('sales-order');
    }
    await delay(chance.between(100, 300));
    await load.stop();
    const { events } = await kept(load.acknowledged);
    // A run in which nothing was under way says nothing.
    expect(load.unanswered).toBeGreaterThanOrEqual(5);
    expect(load.refused).toBeGreaterThan(0);
    expect(events).toBeGreaterThan(20);
  });

  test('after it appended events and before it marked them, appends them again with the same id and the same bytes', async () => {
    const keys = Array.from({ length: 20 }, freshKey);
    const release = await holdMarks();
    try {
      await Promise.all(keys.map((key) => orders.create(key, partner)));
      await vi.waitFor(
        async () => {
          expect(await marksHeld()).toBeGreaterThan(0);
          expect((await recordsOf(keys)).length).toBeGreaterThan(0);
        },
        { timeout: 10_000 },
      );
      await mesh.killApp('sales-order');
    } finally {
      await release();
    }
    const before = await recordsOf(keys);
    expect(await database.unsent()).toBe(2 * keys.length);
    await mesh.startApp('sales-order');
    const { events, repeats } = await kept(new Map(keys.map((key) => [key, 1])));
    expect(events).toBe(2 * keys.length);
    expect(repeats).toBe(before.length);
  });
});

describe('two processes of one service on one database', () => {
  let other: Mesh;
  let both: Orders[];

  beforeAll(async () => {
    other = await Mesh.start({ ground, apps: ['sales-order'], beside: mesh });
    both = [orders, new Orders(mesh.url('business-partner'), other.url('sales-order'))];
  });

  afterAll(() => other.stop());

  test('raise and relay together without an event lost, repeated out of order or numbered twice, while one is killed and the other leaves', async () => {
    const chance = Chance.of('kills of one of two services');
    const load = new OrderLoad(both, partner, chance);
    for (const one of [other, mesh]) {
      await delay(chance.between(200, 800));
      await one.killApp('sales-order');
      await delay(chance.between(50, 400));
      await one.startApp('sales-order');
    }
    await delay(chance.between(200, 500));
    await other.stopApp('sales-order');
    await delay(chance.between(50, 200));
    await load.stop();
    const { events } = await kept(load.acknowledged);
    expect(load.unanswered).toBeGreaterThan(0);
    expect(events).toBeGreaterThan(20);
    await other.startApp('sales-order');
  });

  test('keep order when one stands still for longer than its lease, and then goes on as if nothing had been', async () => {
    const chance = Chance.of('standstill of a service');
    const { pid } = other.app('sales-order');
    const load = new OrderLoad(both, partner, chance, 4);
    await delay(chance.between(200, 500));
    process.kill(pid, 'SIGSTOP');
    // Requests to the one that stands still hang: the load goes on with the other alone.
    const alone = new OrderLoad([orders], partner, chance, 3);
    try {
      await delay(1000);
      // What the one that stands still had not carried over is carried over by the other, once its lease has ended.
      const keys = [...alone.acknowledged.keys()].slice(0, 20);
      await vi.waitFor(
        async () => expect(new Set((await recordsOf(keys)).map(({ key }) => key)).size).toBe(keys.length),
        {
          timeout: 20_000,
          interval: 500,
        },
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await delay(300);
    await Promise.all([load.stop(), alone.stop()]);
    const { events } = await kept(new Map([...load.acknowledged, ...alone.acknowledged]));
    expect(events).toBeGreaterThan(20);
  });
});

/** Waits until all that was raised is appended, then holds the topic to the database. */
async function kept(acknowledged: ReadonlyMap<string, number>): Promise<HistoryReport> {
  await database.whenDrained();
  const stored = await database.versionsOf(acknowledged.keys());
  const report = checkOrderHistory(await readTopic(kafka, 'sales-order'), { stored, acknowledged });
  expect(report.problems).toEqual([]);
  return report;
}

async function recordsOf(keys: readonly string[]): ReturnType<typeof readTopic> {
  return (await readTopic(kafka, 'sales-order')).filter(({ key = '' }) => keys.includes(key));
}

const MARK_LOCK = 4711;

/** Lets no mark be written until it is released; then those that waited for it die with their process. */
async function holdMarks(): Promise<() => Promise<void>> {
  const { client } = database;
  await client.query(`select pg_advisory_lock(${MARK_LOCK})`);
  await client.query(`create function hold_mark() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(${MARK_LOCK}); return old; end'`);
  await client.query('create trigger hold_mark before delete on outbox for each row execute function hold_mark()');
  return async () => {
    await client.query(`select pg_terminate_backend(pid) from pg_locks where ${WAITING}`);
    await vi.waitFor(async () => expect(await marksHeld()).toBe(0), { timeout: 10_000 });
    await client.query('drop trigger hold_mark on outbox');
    await client.query('drop function hold_mark');
    await client.query(`select pg_advisory_unlock(${MARK_LOCK})`);
  };
}

const WAITING = `locktype = 'advisory' and objid = ${MARK_LOCK} and not granted`;

async function marksHeld(): Promise<number> {
  const { rows } = await database.client.query<{ count: string }>(`select count(*) from pg_locks where ${WAITING}`);
  return Number(rows[0]?.count);
}
