import { HeddleError } from '@heddle/event';
import type { OutboxTables, Raise } from '@heddle/outbox';
import type { Transaction } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { ChangeRequest } from './change-request.js';
import { type Decision, ObjectChanges } from './object-changes.js';
import type { ObjectStore, Stored } from './object-store.js';

interface Box {
  content: string;
}

const TX = {} as Transaction<OutboxTables>;

/** Keeps boxes, and writes down in which order what was asked. */
class BoxStore implements ObjectStore<OutboxTables, Box> {
  readonly steps: string[] = [];
  readonly boxes = new Map<string, Stored<Box>>();
  #drawn = 0;

  async transaction<R>(work: (tx: Transaction<OutboxTables>) => Promise<R>): Promise<R> {
    try {
      const result = await work(TX);
      this.steps.push('commit');
      return result;
    } catch (error) {
      this.steps.push('rollback');
      throw error;
    }
  }

  async find(key: string): Promise<Stored<Box> | undefined> {
    return this.boxes.get(key);
  }

  async lock(_tx: Transaction<OutboxTables>, key: string): Promise<Stored<Box> | undefined> {
    this.steps.push(`lock ${key}`);
    return this.boxes.get(key);
  }

  async list(): Promise<Stored<Box>[]> {
    return [...this.boxes.values()];
  }

  async insert(_tx: Transaction<OutboxTables>, key: string, state: Box): Promise<number | undefined> {
    if (this.boxes.has(key)) return undefined;
    this.steps.push(`insert ${key}`);
    this.boxes.set(key, { key, version: 1, state });
    return 1;
  }

  async update(_tx: Transaction<OutboxTables>, stored: Stored<Box>): Promise<void> {
    this.steps.push(`update ${stored.key}`);
    this.boxes.set(stored.key, stored);
  }

  async drawNumber(): Promise<string> {
    this.#drawn += 1;
    return String(this.#drawn);
  }
}

function trial() {
  const store = new BoxStore();
  const raised: Raise[] = [];
  const outbox = {
    raise: async (_tx: unknown, raises: readonly Raise[]): Promise<void> => {
      for (const raise of raises) {
        store.steps.push(`raise ${raise.type}`);
        raised.push(raise);
      }
    },
  };
  const relay = { wake: () => void store.steps.push('wake') };
  const changes = new ObjectChanges({ name: 'box', keyField: 'Box' }, store, outbox, relay);
  return { store, raised, changes };
}

const filled = (content: string): Decision<Box> => ({
  state: { content },
  events: [{ type: 'Filled', data: content }],
});
const request = (more: Partial<ChangeRequest> = {}): ChangeRequest => ({
  key: 'A',
  expected: 'any',
  origin: {},
  ...more,
});

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof HeddleError ? { code: error.code, field: error.field } : error;
}

describe('a new object', () => {
  it('raises its events in its transaction, and the relay is woken only after the commit', async () => {
    const { store, raised, changes } = trial();
    const stored = await changes.create('A', { correlationId: 'c' }, () => filled('tea'));
    expect(stored).toEqual({ key: 'A', version: 1, state: { content: 'tea' } });
    expect(store.steps).toEqual(['insert A', 'raise Filled', 'commit', 'wake']);
    expect(raised).toEqual([{ type: 'Filled', key: 'A', data: 'tea', version: 1, correlationId: 'c' }]);
  });

  it('passes over drawn numbers that are taken, and is refused under a given one', async () => {
    const { store, changes } = trial();
    await changes.create('1', {}, () => filled('tea'));
    expect((await changes.create(undefined, {}, (key) => filled(`box ${key}`))).state).toEqual({ content: 'box 2' });
    expect(await errorOf(changes.create('1', {}, () => filled('salt')))).toEqual({ code: 'conflict', field: 'Box' });
    expect(store.boxes.get('1')?.state.content).toBe('tea');
  });

  it('is not there when it was refused before, and nobody is woken', async () => {
    const { store, changes } = trial();
    const refusal = new Error('no boxes today');
    const refused = changes.create(
      'A',
      {},
      () => filled('tea'),
      async () => Promise.reject(refusal),
    );
    expect(await errorOf(refused)).toBe(refusal);
    expect(store.steps).toEqual(['rollback']);
  });
});

describe('a change', () => {
  it('is locked, checked, stored with the next version and raised, then committed, then relayed', async () => {
    const { store, raised, changes } = trial();
    store.boxes.set('A', { key: 'A', version: 7, state: { content: 'tea' } });
    const stored = await changes.change(request({ expected: new Set([7]) }), ({ content }) =>
      filled(`${content}, milk`),
    );
    expect(stored).toMatchObject({ version: 8, state: { content: 'tea, milk' } });
    expect(store.steps).toEqual(['lock A', 'update A', 'raise Filled', 'commit', 'wake']);
    expect(raised).toMatchObject([{ key: 'A', version: 8, data: 'tea, milk' }]);
  });

  it('that raises nothing stores nothing and keeps the version', async () => {
    const { store, changes } = trial();
    store.boxes.set('A', { key: 'A', version: 7, state: { content: 'tea' } });
    const stored = await changes.change(request(), (state) => ({ state, events: [] }));
    expect(stored.version).toBe(7);
    expect(store.steps).not.toContain('update A');
  });

  it('of another version, of what is not there and of what is deleted is refused before its rule is asked', async () => {
    const { store, changes } = trial();
    store.boxes.set('A', { key: 'A', version: 7, state: { content: 'tea' } });
    store.boxes.set('B', { key: 'B', version: 2, isDeleted: true, state: { content: '' } });
    const never = (): Decision<Box> => {
      throw new Error('the rule was asked');
    };
    const refused = (more: Partial<ChangeRequest>) => errorOf(changes.change(request(more), never));
    expect(await refused({ expected: new Set([6]) })).toEqual({ code: 'precondition-failed', field: 'if-match' });
    expect(await refused({ key: 'C' })).toMatchObject({ code: 'not-found' });
    expect(await refused({ key: 'B', expected: new Set([1]) })).toMatchObject({ code: 'object-gone' });
    expect(store.steps).not.toContain('wake');
  });
});
