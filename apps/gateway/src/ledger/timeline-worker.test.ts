import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Taken, type TakenRecord, TimelineStore } from './timeline-worker.js';

describe('the store of the index', () => {
  let store: TimelineStore;

  beforeEach(() => {
    store = new TimelineStore('');
  });

  afterEach(() => store.close());

  function record(offset: number, change: Partial<TakenRecord> = {}): TakenRecord {
    const about = { id: `e${offset}`, source: '/s', type: 't', key: 'k' };
    return {
      offset,
      appendedAt: offset,
      ...about,
      time: undefined,
      bytes: 0,
      notes: undefined,
      value: undefined,
      ...change,
    };
  }

  function take(kind: Taken['kind'], records: TakenRecord[], next = (records.at(-1)?.offset ?? -1) + 1): void {
    store.take({ kind, topic: kind, partition: 0, next, records });
  }

  const events = () => (store.read('SELECT event_id FROM event ORDER BY id', []) as { event_id: string }[]).map(idOf);

  it('forgets what is older than it keeps, and the oldest of what is too much', () => {
    take(
      'events',
      [1, 2, 3, 4, 5].map((offset) => record(offset)),
    );
    expect(store.prune(3, 100)).toBe(false);
    expect(events()).toEqual(['e3', 'e4', 'e5']);
    store.prune(0, 2);
    expect(events()).toEqual(['e4', 'e5']);
  });

  it('keeps a dead letter for as long as it is open', () => {
    take('dead-letters', [
      record(1, { notes: { 'heddle-queue': 'q' } }),
      record(2, { notes: { 'heddle-queue': 'q' } }),
      record(3, { notes: { 'heddle-redriven': 'r', 'heddle-letter': '0-1' } }),
    ]);
    store.prune(100, 100);
    expect(store.read('SELECT position, redrive FROM dead_letter', [])).toEqual([{ position: 2, redrive: null }]);
  });

  it('knows the tenant of what the group of a service gave up on by the topic it came from', () => {
    const group = { 'heddle-group': 'g' };
    take('dead-letters', [
      record(1, { notes: { ...group, 'heddle-topic': 'acme.sales-order' } }),
      record(2, { notes: { ...group, 'heddle-topic': 'sales-order' } }),
      record(3, { notes: { 'heddle-queue': 'q', 'heddle-tenant': 'globex', 'heddle-topic': 'globex.contract' } }),
    ]);
    const tenants = store.read('SELECT tenant FROM dead_letter ORDER BY position', []);
    expect(tenants).toEqual([{ tenant: 'acme' }, { tenant: 'local' }, { tenant: 'globex' }]);
  });

  it('lets the first redrive of a letter be the one that it was redriven by', () => {
    take('dead-letters', [
      record(1),
      record(2, { notes: { 'heddle-redriven': 'first', 'heddle-letter': '0-1' } }),
      record(3, { notes: { 'heddle-redriven': 'second', 'heddle-letter': '0-1' } }),
    ]);
    expect(store.read('SELECT redrive FROM dead_letter', [])).toEqual([{ redrive: 'first' }]);
  });

  it('takes records in with the place they come to, or not at all', () => {
    take('events', [record(1)]);
    const broken = record(3, { id: Symbol('no id') as never });
    expect(() => take('events', [record(2), broken])).toThrow();
    expect(events()).toEqual(['e1']);
    expect(store.places()).toEqual([{ topic: 'events', partition: 0, next: 2, at: 1 }]);
    take('events', [record(2)]);
    expect(events()).toEqual(['e1', 'e2']);
  });

  it('passes over a record of attempts that it cannot read', () => {
    take('attempts', [
      record(1, { value: Buffer.from('not JSON') }),
      record(2, { value: Buffer.from('{"format":99}') }),
    ]);
    expect(store.read('SELECT * FROM attempt', [])).toEqual([]);
    expect(store.places()).toMatchObject([{ next: 3 }]);
  });

  describe('in a file', () => {
    let directory: string;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'heddle-index-'));
    });

    afterEach(() => rm(directory, { recursive: true, force: true }));

    it('leaves the file to the process that has it, and works without', () => {
      const file = join(directory, 'timeline.sqlite');
      const first = new TimelineStore(file);
      first.take({ kind: 'events', topic: 'events', partition: 0, next: 2, records: [record(1)] });
      const second = new TimelineStore(file);
      expect(second.places()).toEqual([]);
      second.close();
      first.close();
      const again = new TimelineStore(file);
      expect(again.places()).toHaveLength(1);
      again.close();
    });
  });
});

function idOf({ event_id }: { event_id: string }): string {
  return event_id;
}
