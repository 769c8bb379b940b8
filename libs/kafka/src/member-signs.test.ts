import { describe, expect, it } from 'vitest';
import { troubleOf } from './member-signs.js';

const NOW = 1_000_000;

describe('a member', () => {
  it('is well while the group answers and fetches come back', () => {
    expect(troubleOf({ heardAt: NOW - 6000, fetchedAt: NOW - 15_000 }, 3, NOW)).toBeUndefined();
  });

  it('is in trouble when the group has not answered for longer than its session', () => {
    expect(troubleOf({ heardAt: NOW - 6001, fetchedAt: NOW }, 3, NOW)).toMatch(/group .* 6 s/);
    expect(troubleOf({ heardAt: NOW - 60_000, fetchedAt: NOW }, 0, NOW)).toMatch(/group .* 60 s/);
  });

  it('is in trouble when no fetch has come back for 15 s, unless it has no partitions to fetch from', () => {
    expect(troubleOf({ heardAt: NOW, fetchedAt: NOW - 15_001 }, 1, NOW)).toMatch(/no fetch .* 15 s/);
    expect(troubleOf({ heardAt: NOW, fetchedAt: NOW - 60_000 }, 0, NOW)).toBeUndefined();
  });
});
