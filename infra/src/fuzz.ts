import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessToken } from './access-token.mjs';
import { CHECKOUT } from './checkout.mjs';
import { ADMINISTRATOR, makeClients, secretFile } from './clients.mjs';
import { fuzzDoors } from './fuzz-doors.js';
import { fetchSchemathesis } from './fuzz-tool.js';
import { LaunchError } from './launch-error.mjs';
import { MESH_APPS, type MeshPorts, startMeshApp, urlOf } from './mesh-apps.js';
import { freePorts } from './ready.js';
import { registerOwnSchemas } from './register-schemas.js';
import type { Running } from './running.js';
import { startStack } from './stack.js';

/*
 * npm run fuzz: at least 10,000 requests of Schemathesis to a mesh that is started for them, then 100,000 broken frames
 * to the parsers. `HEDDLE_TEST_SEED` repeats a run. Fails when anything is found, and leaves nothing running.
 */

const LEAST_REQUESTS = Number(process.env['HEDDLE_FUZZ_REQUESTS'] ?? 10_000);
/** More would take the generator long; runs with further seeds go on until there are enough requests. */
const EXAMPLES = 40;
const FRAMES = 100_000;
const VITEST = join(CHECKOUT, 'node_modules', 'vitest', 'vitest.mjs');

const seed = Number(process.env['HEDDLE_TEST_SEED'] ?? Date.now() % 2 ** 31);
// Our processes refuse to start with a setting that they do not know.
for (const name of ['HEDDLE_TEST_SEED', 'HEDDLE_FUZZ_REQUESTS']) delete process.env[name];
const stops: (() => Promise<unknown>)[] = [];
let stopping: Promise<void> | undefined;
// A second one must not end this before what it has started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void abort());
process.once('disconnect', () => void abort());

console.log(`seed ${seed}`);
try {
  if (!process.argv.includes('doors')) await fuzzFrames();
  await fuzzMesh();
} catch (error) {
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stop();
}
process.exit();

async function fuzzFrames(): Promise<void> {
  const args = [VITEST, 'run', '--project', 'unit', 'test/src/fuzz'];
  const env = { ...process.env, HEDDLE_TEST_SEED: String(seed), HEDDLE_FUZZ_FRAMES: String(FRAMES) };
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, args, { cwd: CHECKOUT, env }, (error, stdout, stderr) => {
      console.log(`${stdout}${stderr}`.trim());
      if (error === null) resolve();
      else reject(new Error('Broken frames have done what they must not.'));
    });
  });
}

async function fuzzMesh(): Promise<void> {
  const program = await fetchSchemathesis();
  if (program === undefined) throw new LaunchError('Python 3.10 or later with venv and pip is needed: install it.');
  const { url, token } = await startMesh();
  let requests = 0;
  for (let run = seed; requests < LEAST_REQUESTS; run += 1) {
    const onOutput = (text: string): void => void process.stdout.write(text);
    const report = await fuzzDoors({ program, url, token, seed: run, examples: EXAMPLES, onOutput });
    requests += report.requests;
    if (!report.passed) throw new Error(`Schemathesis has found something, by the seed ${run}.`);
    if (report.requests === 0) throw new Error('Schemathesis has asked nothing.');
  }
  console.log(`✔ ${requests} requests, and nothing found`);
}

/** A stack and a mesh on free ports, with an access token of its administrator that lasts as long as the run. */
async function startMesh(): Promise<{ url: string; token: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'heddle-fuzz-'));
  stops.push(() => rm(dir, { recursive: true, force: true }));
  const ground = await startStack({ dir, ports: 'free' });
  stops.push(() => ground.stop());
  const secrets = join(dir, 'secrets');
  makeClients(secrets);
  await registerOwnSchemas(ground.registryUrl);
  const free = await freePorts(MESH_APPS.length);
  const ports = Object.fromEntries(MESH_APPS.map((app, index) => [app, free[index]])) as MeshPorts;
  await Promise.all(
    MESH_APPS.map((app) =>
      startMeshApp(app, {
        ground,
        ports,
        secrets,
        logFile: join(dir, 'logs', `${app}.log`),
        onSpawn: (running: Running) => stops.push(() => running.stop()),
      }),
    ),
  );
  const url = urlOf('gateway', ports);
  const secret = (await readFile(secretFile(secrets, ADMINISTRATOR), 'utf8')).trim();
  const token = await accessToken({ GATEWAY_URL: url, HEDDLE_CLIENT_ID: ADMINISTRATOR, HEDDLE_CLIENT_SECRET: secret });
  return { url, token };
}

/** Everything that was started, the last first; once, however often it is asked for. */
function stop(): Promise<void> {
  stopping ??= (async () => {
    for (const one of stops.toReversed()) await one().catch(() => undefined);
  })();
  return stopping;
}

async function abort(): Promise<void> {
  await stop();
  process.exit(1);
}
