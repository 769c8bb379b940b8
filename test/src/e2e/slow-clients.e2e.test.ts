import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent, publish } from '../support/publishing.js';
import { SlowClients } from '../support/slow-clients.js';

const SLOW = 1000;
const PUBLISHED = 400;
const LANES = 4;
/** Below this, twice is the clock of the machine and nothing else. */
const FLOOR_MS = 15;
const HEADERS_MS = 4000;
const REQUEST_MS = 8000;
/** How often a server looks for them, at most. */
const CHECK_MS = 5000;

let mesh: Mesh;

beforeAll(async () => {
  const env = { HEDDLE_LIMIT_HEADERS_MS: String(HEADERS_MS), HEDDLE_LIMIT_REQUEST_MS: String(REQUEST_MS) };
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'], env: { gateway: env } });
});

afterAll(() => mesh.stop());

/** Milliseconds within which 99 of 100 publishes are acknowledged. */
async function p99(): Promise<number> {
  const times: number[] = [];
  const lane = async (): Promise<void> => {
    while (times.length < PUBLISHED) {
      const begun = performance.now();
      const { status } = await publish(mesh.url('gateway'), contractEvent(freshKey()));
      expect(status).toBe(202);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}

// A bound of time on a machine that others share: twice in a row is not by chance.
test(
  `${SLOW} slow connections take nothing from those that are not, and end in bounded time`,
  { retry: 2, timeout: 60_000 },
  async () => {
    await p99();
    const alone = await p99();
    const slow = new SlowClients();
    try {
      await slow.hold(mesh.ports.gateway, SLOW / 2, 'body');
      await slow.hold(mesh.ports.gateway, SLOW / 2, 'headers');
      expect(slow.open).toBe(SLOW);
      const beside = await p99();
      expect(slow.open).toBeGreaterThan(SLOW / 2 - 1);
      expect(beside).toBeLessThan(Math.max(2 * alone, FLOOR_MS));
      await expect.poll(() => slow.open, { timeout: 30_000 }).toBe(0);
      expect(Math.max(...slow.lived)).toBeLessThan(REQUEST_MS + 2 * CHECK_MS);
      expect(Math.min(...slow.lived)).toBeLessThan(HEADERS_MS + 2 * CHECK_MS);
    } finally {
      slow.close();
    }
  },
);
