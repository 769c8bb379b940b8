import { Health, createLog } from '@heddle/runtime';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Mesh, type MeshGround } from './mesh.js';
import { NoStore } from './no-store.js';
import { SqlStore } from './sql-store.js';

interface Tx {
  query(): Promise<[]>;
}

const steps: string[] = [];
const relay = { start: () => {}, stop: () => Promise.resolve(), wake: () => void steps.push('wake') };

/** A database that writes down when transactions begin and end. */
async function transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
  steps.push('begin');
  const result = await work({ query: () => Promise.resolve([]) });
  await Promise.resolve();
  steps.push('commit');
  return result;
}

function meshOn(store: MeshGround<Tx>['store'], closing: string[] = []): Mesh<Record<string, unknown>, Tx> {
  return new Mesh({
    group: 'trial',
    topics: ['bill'],
    eventLog: { consume: () => Promise.reject(new Error('nobody consumes here')) },
    store,
    objects: { fetch: () => Promise.reject(new Error('nobody fetches here')) },
    consume: {},
    log: createLog('trial', 'silent'),
    health: new Health(),
    metrics: new Registry(),
    closing: closing.map((name) => ({
      name,
      run: () => {
        steps.push(name);
        if (name === 'broken') throw new Error('it does not close');
      },
    })),
  });
}

const sqlStore = () =>
  new SqlStore<Tx>({
    database: { transaction },
    reader: { query: () => Promise.resolve([]) },
    outbox: {
      raise: () => {
        steps.push('raise');
        return Promise.resolve();
      },
    },
    relay,
    inbox: { enter: () => Promise.resolve(true) },
    cleaner: { start: () => {}, stop: () => Promise.resolve() },
  });

const bill = { type: 'heddle.bill.v1.Bill.Drawn.v1', key: '1', version: 1, data: {} };

describe('the relay', () => {
  beforeEach(() => {
    steps.length = 0;
    vi.useFakeTimers();
  });

  afterEach(() => void vi.useRealTimers());

  it('is woken right after the commit of a transaction of the mesh, and not for one that raised nothing', async () => {
    const mesh = meshOn(sqlStore());
    await mesh.transaction((tx) => mesh.raise(tx, [bill]));
    const event = { attributes: { id: '1', source: '/s', type: 't' } };
    await mesh.inbox.once(event, (tx) => mesh.raise(tx, [bill]));
    await mesh.transaction(() => Promise.resolve());
    const once = ['begin', 'raise', 'commit', 'wake'];
    expect(steps).toEqual([...once, ...once, 'begin', 'commit']);
  });

  it('is woken again and again for about a second after a raise in a transaction that the mesh does not see end', async () => {
    const mesh = meshOn(sqlStore());
    await transaction((tx) => mesh.raise(tx, [bill]));
    expect(steps).toEqual(['begin', 'raise', 'commit']);
    vi.advanceTimersByTime(2);
    expect(steps.filter((step) => step === 'wake')).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    expect(steps.filter((step) => step === 'wake')).toHaveLength(9);
  });
});

it('a mesh that stops closes everything in order, once, though one of them fails', async () => {
  steps.length = 0;
  const mesh = meshOn(sqlStore(), ['event log', 'broken', 'database']);
  await Promise.all([mesh.stop(), mesh.stop()]);
  expect(steps).toEqual(['event log', 'broken', 'database']);
});

it('a mesh without a database says so to whoever needs one', async () => {
  const mesh = meshOn(new NoStore());
  const refused = { code: 'setting-invalid', message: expect.stringContaining('no database') as string };
  await expect(mesh.transaction(() => Promise.resolve())).rejects.toMatchObject(refused);
  await expect(mesh.raise({ query: () => Promise.resolve([]) }, [bill])).rejects.toMatchObject(refused);
});
