import { setTimeout as delay } from 'node:timers/promises';
import { call } from '../../support/http-call.js';
import type { HistoryLog } from './history-log.js';
import type { World } from './world.js';

interface Redrive {
  id: string;
  state: string;
  selected: number;
  placed: number;
  failed: number;
}

const MOST_TRIES = 60;
const RATE_PER_SECOND = 200;

/**
 * Has the dead letters of a queue delivered again, in a cycle of their own; resolves with its name when every
 * one of them is back in the queue. Any instance may be asked: one that does not know all letters yet, or has just lost the queue, says so.
 */
export async function redriveAll(
  world: World,
  queue: string,
  ids: readonly string[],
  log: HistoryLog,
): Promise<string | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1, await delay(1000)) {
    const gateway = world.gateways[tries % world.gateways.length]!;
    const body = { filter: { queue }, ratePerSecond: RATE_PER_SECOND };
    const begun = await call('POST', `${gateway}/v1/dead-letters/redrive`, { body: { ...body, dryRun: true } });
    const counted = begun.json as Redrive;
    if (begun.status !== 200 || counted.selected < ids.length) continue;
    const asked = await call('POST', `${gateway}/v1/dead-letters/redrive`, { body });
    if (asked.status !== 202) continue;
    const { id: cycle } = asked.json as Redrive;
    const ended = await whenEnded(`${gateway}/v1/dead-letters/redrives/${cycle}`);
    if (ended.placed === 0) continue;
    log.write({ line: 'cycle', queue, cycle, ids });
    return ended.failed === 0 ? cycle : undefined;
  }
  return undefined;
}

async function whenEnded(url: string): Promise<Redrive> {
  for (;;) {
    const redrive = (await call('GET', url)).json as Redrive;
    if (redrive.state !== 'running') return redrive;
    await delay(200);
  }
}
