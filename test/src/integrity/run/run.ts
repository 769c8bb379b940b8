import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchPrograms } from '@heddle/infra';
import { type IntegrityOptions, type IntegrityResult, runIntegrity } from './integrity-run.js';
import { report } from './report.js';

/*
 * npm run integrity -- --events 100000 --kills 40 [--seed n]: a mesh of real processes under load, harmed in the order
 * that the seed gives. Ends with an error when a promise was broken; then all logs and histories are kept.
 */
if (import.meta.main) await main();

/** A run in a folder of its own, which is removed when every promise was kept. Resolves with what a person reads, too. */
export async function runInFolder(
  options: Omit<IntegrityOptions, 'dir'>,
  keep = false,
): Promise<IntegrityResult & { says: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'heddle-integrity-'));
  let isKept = true;
  try {
    await fetchPrograms();
    const result = await runIntegrity({ ...options, dir });
    isKept = keep || result.findings.length > 0 || result.troubles.length > 0;
    const kept = isKept ? [`logs and histories are kept in ${dir}`] : [];
    return { ...result, says: [...report(result), ...kept].join('\n') };
  } catch (error) {
    throw new Error(`The run could not go on; logs and histories are kept in ${dir}`, { cause: error });
  } finally {
    if (!isKept) await rm(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
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
  const breaking = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => breaking.abort());
  const startedAt = performance.now();
  const options = {
    seed: Number(values.seed),
    events: Number(values.events),
    kills: Number(values.kills),
    gateways: values.gateways === '1' ? (1 as const) : (2 as const),
    perSecond: Number(values.rate),
  };
  const { says, findings, troubles } = await runInFolder(
    { ...options, onProgress: say, signal: breaking.signal },
    values.keep,
  );
  say(says);
  say(`seed ${values.seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`);
  process.exit(findings.length > 0 || troubles.length > 0 ? 1 : 0);
}
