import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPrograms } from '@heddle/infra';
import { expect, inject, test } from 'vitest';
import { Chance } from '../../support/chance.js';
import { runIntegrity } from './integrity-run.js';
import { report } from './report.js';

const isNative = ['java', 'mvn'].every(isInstalled);
if (!isNative) process.stderr.write('without Java and Maven no broker can be killed: this story is skipped\n');

test.skipIf(!isNative)(
  'under load, with processes killed, paused and cut off in random order, every promise is kept',
  { timeout: 240_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'heddle-integrity-'));
    await fetchPrograms();
    const { seed } = new Chance();
    const { registryUrl } = inject('stack');
    const result = await runIntegrity({ dir, seed, events: 3000, kills: 4, gateways: 1, perSecond: 150, registryUrl });
    const { evidence, findings, troubles } = result;
    const says = report(result).join('\n');
    expect(findings, says).toEqual([]);
    expect(troubles, says).toEqual([]);
    // A run in which nothing was under way when something was harmed would say nothing.
    expect(evidence.faults.filter(({ kind }) => kind === 'kill')).toHaveLength(4);
    expect(evidence.records.size).toBeGreaterThanOrEqual(3000);
    for (const { deliveries } of evidence.queues.values()) expect(deliveries.length).toBeGreaterThan(500);
    await rm(dir, { recursive: true, force: true });
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
