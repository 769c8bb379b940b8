import { type MemoryEventLog, objectTopicSpec } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryLog } from './ledger-trial.js';
import { TimelineIndex } from './timeline-index.js';
import { BrokenIndex, TimelineThread } from './timeline-thread.js';

const TOPIC = 'sales-order';
const HOUR = 3_600_000;

describe('the index', () => {
  let eventLog: MemoryEventLog;
  let index: TimelineIndex;
  let threads: TimelineThread[];

  beforeEach(async () => {
    eventLog = memoryLog();
    await eventLog.ensureTopics([objectTopicSpec(TOPIC, 2)]);
    threads = [];
  });

  afterEach(() => index.stop());

  function open(change: { maxRows?: number; keepMs?: number } = {}, thread = () => new TimelineThread()): void {
    const options = { objectTopics: () => [TOPIC], keepMs: HOUR, maxRows: 1000, ...change };
    index = new TimelineIndex(eventLog, options, createLog('test', 'silent'), () => {
      const made = thread();
      threads.push(made);
      return made;
    });
  }

  async function append(ids: readonly number[]): Promise<void> {
    const attributes = (id: number) => ({ id: `e${id}`, source: '/s', type: 't', datacontenttype: 'application/json' });
    const event = (id: number) => ({ attributes: attributes(id), value: Buffer.from('{}') });
    await eventLog.append(ids.map((id) => ({ topic: TOPIC, key: 'K', event: event(id) })));
  }

  async function indexed(): Promise<string[]> {
    const rows = await index.read<{ event_id: string }>('SELECT event_id FROM event ORDER BY position', []);
    return rows.map(({ event_id }) => event_id);
  }

  it('reads on with another thread when its own has died', async () => {
    open();
    await append([1, 2]);
    expect(await index.caughtUp([TOPIC])).toMatchObject({ isComplete: true });
    await threads[0]!.close();
    await append([3]);
    expect(await index.caughtUp([TOPIC])).toMatchObject({ isComplete: true });
    expect(await indexed()).toEqual(['e1', 'e2', 'e3']);
    expect(threads).toHaveLength(2);
  });

  it('is made anew when its file is damaged, and says so until it is whole again', async () => {
    let isDamaged = false;
    class DamagedThread extends TimelineThread {
      override take(...of: Parameters<TimelineThread['take']>): Promise<void> {
        if (!isDamaged) return super.take(...of);
        isDamaged = false;
        return Promise.reject(new BrokenIndex('database disk image is malformed'));
      }
    }
    open({}, () => new DamagedThread());
    await append([1, 2]);
    await index.caughtUp([TOPIC]);
    isDamaged = true;
    await append([3]);
    expect(await index.caughtUp([TOPIC])).toMatchObject({ isComplete: false });
    expect(await index.caughtUp([TOPIC])).toMatchObject({ isComplete: true });
    expect(await indexed()).toEqual(['e1', 'e2', 'e3']);
  });

  it('is kept when others have read further than the ends that were asked for', async () => {
    let opened = 0;
    class CountingThread extends TimelineThread {
      override open(...of: Parameters<TimelineThread['open']>): ReturnType<TimelineThread['open']> {
        opened += 1;
        return super.open(...of);
      }
    }
    open({}, () => new CountingThread());
    await append([1]);
    await index.caughtUp([TOPIC]);
    const ends = await eventLog.bounds(TOPIC);
    const answered = Promise.withResolvers<typeof ends>();
    vi.spyOn(eventLog, 'bounds').mockReturnValueOnce(answered.promise);
    const slow = index.caughtUp([TOPIC]);
    await append([2]);
    await index.caughtUp([TOPIC]);
    answered.resolve(ends);
    expect(await slow).toMatchObject({ isComplete: true });
    expect(opened).toBe(1);
    expect(await indexed()).toEqual(['e1', 'e2']);
  });

  it('passes over what it would forget at once', async () => {
    open({ maxRows: 10 });
    await append(Array.from({ length: 50 }, (_, n) => n));
    await index.caughtUp([TOPIC]);
    expect(await indexed()).toEqual(Array.from({ length: 10 }, (_, n) => `e${40 + n}`));
  });

  it('says up to when it is complete: to the moment of asking once it is at the end', async () => {
    open();
    await append([1]);
    const before = Date.now();
    const upTo = await index.caughtUp([TOPIC]);
    expect(upTo.isComplete).toBe(true);
    expect(upTo.at).toBeGreaterThanOrEqual(before);
  });

  it('goes past what retention took', async () => {
    open();
    await append([1, 2, 3, 4]);
    const { partition } = (await eventLog.bounds(TOPIC)).find(({ end }) => end > 0)!;
    eventLog.forget(TOPIC, partition, 2);
    await index.caughtUp([TOPIC]);
    expect(await indexed()).toEqual(['e3', 'e4']);
  });
});
