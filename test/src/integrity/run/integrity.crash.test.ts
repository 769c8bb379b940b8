import { execFileSync } from 'node:child_process';
import { expect, inject, test } from 'vitest';
import { Chance } from '../../support/chance.js';
import { runInFolder } from './run.js';

const KILLS = 4;
const EVENTS = 3000;

const isNative = ['java', 'mvn'].every(isInstalled);
if (!isNative) process.stderr.write('without Java and Maven no broker can be killed: this story is skipped\n');

test.skipIf(!isNative)(
  'under load, with processes killed, paused and cut off in random order, every promise is kept',
  { timeout: 300_000 },
  async () => {
    const { seed } = Chance.of('faults of the integrity run');
    const { registryUrl } = inject('stack');
    const { evidence, findings, troubles, says } = await runInFolder({
      seed,
      events: EVENTS,
      kills: KILLS,
      gateways: 2,
      perSecond: 150,
      registryUrl,
    });
    expect(findings, says).toEqual([]);
    expect(troubles, says).toEqual([]);
    // A run in which nothing was under way when something was harmed would say nothing.
    expect(evidence.faults.filter(({ kind }) => kind === 'kill')).toHaveLength(KILLS);
    expect(evidence.records.size).toBeGreaterThanOrEqual(EVENTS);
    for (const { deliveries } of evidence.queues.values()) expect(deliveries.length).toBeGreaterThan(EVENTS / 10);
  },
);

function isInstalled(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
