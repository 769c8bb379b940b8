import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchPrograms } from '@heddle/infra';
import { runIntegrity } from './integrity-run.js';
import { report } from './report.js';

/*
 * npm run integrity -- --events 100000 --kills 40 [--seed n]: a mesh of real processes under load, harmed in the order
 * that the seed gives. Ends with an error when a promise was broken; then all logs and histories are kept.
 */

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    gateways: { type: 'string', default: '2' },
    rate: { type: 'string', default: '250' },
    keep: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startedAt = performance.now();
const dir = await mkdtemp(join(tmpdir(), 'heddle-integrity-'));
let isBroken = true;
try {
  await fetchPrograms();
  const result = await runIntegrity({
    dir,
    seed: Number(values.seed),
    events: Number(values.events),
    kills: Number(values.kills),
    gateways: values.gateways === '1' ? 1 : 2,
    perSecond: Number(values.rate),
    onProgress: say,
  });
  isBroken = result.findings.length > 0 || result.troubles.length > 0;
  for (const line of report(result)) say(line);
} catch (error) {
  say(`✖ ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
} finally {
  say(`seed ${values.seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`);
  if (isBroken || values.keep) say(`logs and histories are kept in ${dir}`);
  else await rm(dir, { recursive: true, force: true });
}
process.exit(isBroken ? 1 : 0);
