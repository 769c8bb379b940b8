import { describe, expect, it } from 'vitest';
import { KeyGate } from './key-gate.js';

describe('the gate of keys', () => {
  it('holds a key while its rows are appended, and only that key', () => {
    const gate = new KeyGate();
    gate.begin('a', 3, 2);
    expect([gate.held(0), gate.rows, gate.isShardBusy(3), gate.isShardBusy(4)]).toEqual([['a'], 2, true, false]);
    gate.succeeded('a');
    expect([gate.held(0), gate.rows, gate.isShardBusy(3)]).toEqual([[], 0, false]);
  });

  it('holds a key that failed for delays that double up to ten seconds, and forgets them at a success', () => {
    const gate = new KeyGate();
    const fail = (now: number): number => {
      gate.begin('a', 0, 1);
      return gate.failed('a', now);
    };
    const delays = Array.from({ length: 10 }, () => fail(0));
    expect(delays).toEqual([50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    expect([gate.held(9_999), gate.held(10_000)]).toEqual([['a'], []]);
    expect([gate.nextDue(4_000, 60_000), gate.nextDue(4_000, 1_000)]).toEqual([6_000, 1_000]);
    gate.begin('a', 0, 1);
    gate.succeeded('a');
    expect([gate.failing, fail(0)]).toEqual([0, 50]);
  });

  it('forgets the failures of keys that another relay has now', () => {
    const gate = new KeyGate();
    for (const key of ['ours', 'theirs']) {
      gate.begin(key, 0, 1);
      gate.failed(key, 0);
    }
    gate.forgetFailures((key) => key === 'ours');
    expect(gate.held(0)).toEqual(['ours']);
  });
});
