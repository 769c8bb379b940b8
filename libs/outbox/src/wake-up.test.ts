import { describe, expect, it } from 'vitest';
import { WakeUp } from './wake-up.js';

describe('a wake-up', () => {
  it('given before anybody waits is not lost, and several are one', async () => {
    const wakeUp = new WakeUp();
    wakeUp.now();
    wakeUp.now();
    await wakeUp.wait(60_000);
    const started = performance.now();
    await wakeUp.wait(30);
    expect(performance.now() - started).toBeGreaterThan(25);
  });

  it('ends a wait at once, or soon', async () => {
    const wakeUp = new WakeUp();
    const started = performance.now();
    const waits = wakeUp.wait(60_000);
    wakeUp.now();
    await waits;
    wakeUp.soon(5);
    await wakeUp.wait(60_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
