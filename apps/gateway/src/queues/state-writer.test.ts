import { createLog } from '@heddle/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressRecord } from './progress.js';
import type { QueueStore } from './queue-store.js';
import type { QueueDefinition } from './queue.js';
import { StateWriter, type StatefulQueue } from './state-writer.js';

describe('writing the state of queues', () => {
  const written: string[] = [];
  let failing = false;
  let writer: StateWriter;

  beforeEach(() => {
    vi.useFakeTimers();
    written.length = 0;
    failing = false;
    const ledger = {
      flush: () => {
        written.push('ledger');
        return failing ? Promise.reject(new Error('not now')) : Promise.resolve();
      },
    };
    const store = {
      putParked: () => Promise.resolve(),
      putProgress: (entries: { at: { topic: string; partition: number } }[]) => {
        for (const { at } of entries) written.push(`${at.topic}/${at.partition}`);
        return Promise.resolve();
      },
    } as unknown as QueueStore;
    writer = new StateWriter(store, ledger, createLog('test', 'silent'));
  });

  afterEach(() => void vi.useRealTimers());

  it('an outcome is stored within 10 ms, after the ledger', async () => {
    writer.progressed(queue(), 't', 1, 'outcome');
    await vi.advanceTimersByTimeAsync(10);
    expect(written).toEqual(['ledger', 't/1']);
  });

  it('what was accepted is in the ledger within 20 ms; its progress is joined with that of others', async () => {
    const one = queue();
    writer.progressed(one, 't', 1, 'accepted');
    await vi.advanceTimersByTimeAsync(20);
    expect(written).toEqual(['ledger']);
    writer.progressed(one, 't', 1, 'accepted');
    writer.progressed(one, 't', 2, 'accepted');
    await vi.advanceTimersByTimeAsync(150);
    expect(written.filter((what) => what !== 'ledger')).toEqual(['t/1', 't/2']);
  });

  it('who waits for what is settled waits for its progress, and not for long', async () => {
    writer.progressed(queue(), 't', 1, 'accepted');
    let isSettled = false;
    void writer.settled().then(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(10);
    expect([isSettled, written]).toEqual([true, ['ledger', 't/1']]);
    await expect(writer.settled()).resolves.toBeUndefined();
  });

  it('progress never passes a ledger that could not be written', async () => {
    failing = true;
    writer.progressed(queue(), 't', 1, 'outcome');
    let isSettled = false;
    void writer.settled().then(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(400);
    expect([isSettled, written]).toEqual([false, ['ledger']]);
    failing = false;
    await vi.advanceTimersByTimeAsync(200);
    expect([isSettled, written]).toEqual([true, ['ledger', 'ledger', 't/1']]);
  });

  it('nothing is left unwritten when it stops', async () => {
    writer.progressed(queue(), 't', 1, 'passed');
    writer.progressed(queue(), 't', 2, 'accepted');
    await writer.stop();
    expect(written).toEqual(['ledger', 't/1', 't/2']);
  });

  function queue(): StatefulQueue {
    return {
      definition: {} as QueueDefinition,
      record: () => ({}) as ProgressRecord,
      drainParked: () => [],
      undrainParked: () => undefined,
    };
  }
});
