import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls back so many times a second, evenly, for a time; resolves with the count. What is due is started whether or not
 * earlier work is done, so that a slow answer never lowers the load (an open loop). The clock is looked at once per
 * millisecond: between two looks, nothing is started.
 */
export async function paced(perSecond: number, seconds: number, start: (index: number) => void): Promise<number> {
  const total = Math.round(perSecond * seconds);
  const begun = performance.now();
  let done = 0;
  while (done < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * perSecond) + 1);
    while (done < due) start(done++);
    if (done < total) await delay(1);
  }
  return total;
}
