import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HeddleError } from '@heddle/event';
import { banner } from './banner.js';
import { startBroker } from './broker.js';
import { makeClients } from './clients.mjs';
import { startDatabase } from './database.js';
import { LaunchError } from './launch-error.mjs';
import { Launch } from './launch.js';
import { readLaunchSettings, type LaunchSettings } from './launch-settings.js';
import { keepPreviousLogs } from './log-files.js';
import { masterKeyMaker, masterKeySettings } from './master-key.js';
import { MESH_APPS, startMeshApp, type MeshGround, type MeshPorts } from './mesh-apps.js';
import { requireFreePorts } from './ports-free.js';
import { Progress } from './progress.mjs';
import { registerOwnSchemas } from './register-schemas.js';
import { registryUrl, startRegistry } from './registry.js';
import { RunFile } from './run-file.js';

/**
 * The folders of the data directory that are ours, and all that `--fresh` deletes. Secrets stay: whoever has one may come
 * in again, and what they seal may be in a broker elsewhere.
 */
const DATA = ['kafka', 'postgres', 'index', 'logs'];

const progress = new Progress();
const { values: flags } = parseArgs({ options: { fresh: { type: 'boolean' }, demo: { type: 'boolean' } } });
let launch: Launch | undefined;
try {
  await start();
} catch (error) {
  // A child that ends because all are being stopped is no news.
  if (launch?.isStopping !== true) {
    const known = error instanceof LaunchError || error instanceof HeddleError;
    const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (launch === undefined) {
      progress.line(`✖ ${text}`);
      process.exit(error instanceof HeddleError && error.code === 'setting-invalid' ? 78 : 1);
    }
    await launch.stopAll(1, `✖ ${text}`);
  }
}

async function start(): Promise<void> {
  const settings = readLaunchSettings();
  const { dataDir } = settings;
  refuseCertificates(settings);
  const { runFile, stopped } = await RunFile.claim(dataDir);
  if (stopped.length > 0) progress.line(`  stopped what an earlier start left running: ${stopped.join(', ')}`);
  try {
    await requireFreePorts(settings);
    if (flags.fresh) await deleteData(settings);
    await keepPreviousLogs(join(dataDir, 'logs'));
  } catch (error) {
    runFile.release();
    throw error;
  }
  launch = new Launch(progress, runFile, dataDir);
  launch.listen();
  const secrets = join(dataDir, 'secrets');
  makeClients(secrets);
  const ground = await startGround(settings, launch);
  await progress.step('event schemas', () => registerOwnSchemas(ground.registryUrl));
  const ports = await startApps(settings, ground, secrets, launch);
  progress.line(banner({ ground, ports, secrets, logs: join(dataDir, 'logs') }));
  if (!flags.demo) return;
  // Loaded on demand, with the libraries of a client.
  const { runDemo } = await import('./demo.js');
  await runDemo(ports, secrets, (text) => launch?.isStopping || progress.line(text));
}

/** A certificate that nobody is shown would be taken for one that protects. */
function refuseCertificates({ tls }: LaunchSettings): void {
  if (tls !== 'own') return;
  throw new LaunchError(
    'HEDDLE_TLS is own, and npm start listens on this machine only, over HTTP: leave it out here. How processes are reached from elsewhere: SECURITY.md.',
  );
}

async function deleteData({ dataDir, kafkaBrokers, databaseUrl }: LaunchSettings): Promise<void> {
  await progress.step('delete old data', async () => {
    for (const name of DATA) await rm(join(dataDir, name), { recursive: true, force: true });
  });
  if (kafkaBrokers !== undefined) progress.line('  the data in the external broker stays');
  if (databaseUrl !== undefined) progress.line('  the data in the external database stays');
}

/** Broker, registry and database side by side, each here or elsewhere; the registry waits for the broker by itself. */
async function startGround(settings: LaunchSettings, { onSpawn, logFile }: Launch): Promise<MeshGround> {
  const { dataDir, kafkaPort, kafkaControllerPort, registryPort, databasePort } = settings;
  const brokers = settings.kafkaBrokers ?? `127.0.0.1:${kafkaPort}`;
  const ground: MeshGround = {
    kafkaBrokers: brokers.split(',').map((broker) => broker.trim()),
    registryUrl: settings.registryUrl ?? registryUrl(registryPort),
    databaseUrl: settings.databaseUrl ?? '',
  };
  const broker = {
    dir: join(dataDir, 'kafka'),
    port: kafkaPort,
    controllerPort: kafkaControllerPort,
    logFile: logFile('kafka'),
    onSpawn,
  };
  const registry = { port: registryPort, brokers, logFile: logFile('registry'), onSpawn };
  const database = { dir: join(dataDir, 'postgres'), port: databasePort, logFile: logFile('postgres'), onSpawn };
  const [, , running] = await Promise.all([
    settings.kafkaBrokers === undefined
      ? progress.step('Kafka', () => startBroker(broker))
      : progress.step('Kafka (external)', () => requireReachable(ground.kafkaBrokers, 'KAFKA_BROKERS')),
    settings.registryUrl === undefined ? progress.step('schema registry', () => startRegistry(registry)) : undefined,
    settings.databaseUrl === undefined ? progress.step('PostgreSQL', () => startDatabase(database)) : undefined,
  ]);
  return { ...ground, databaseUrl: running?.url ?? ground.databaseUrl };
}

async function startApps(
  settings: LaunchSettings,
  ground: MeshGround,
  secrets: string,
  { onSpawn, logFile }: Launch,
): Promise<MeshPorts> {
  const ports: MeshPorts = {
    gateway: settings.gatewayPort,
    'sales-order': settings.salesOrderPort,
    'business-partner': settings.businessPartnerPort,
    contract: settings.contractPort,
  };
  const ofGateway = async (): Promise<Record<string, string>> => ({
    HEDDLE_DATA_DIR: join(settings.dataDir, 'index'),
    ...(await masterKeySettings(settings.dataDir, masterKeyMaker(ground.kafkaBrokers))),
  });
  const starts = MESH_APPS.map((app) =>
    progress.step(app, async () =>
      startMeshApp(app, {
        ground,
        ports,
        secrets,
        logFile: logFile(app),
        onSpawn,
        env: app === 'gateway' ? await ofGateway() : {},
      }),
    ),
  );
  await Promise.all(starts);
  return ports;
}

/** At least one of the brokers accepts connections. */
async function requireReachable(brokers: readonly string[], setting: string): Promise<void> {
  const attempts = brokers.map(
    (broker) =>
      new Promise<void>((resolve, reject) => {
        const at = broker.lastIndexOf(':');
        const socket = connect({ host: broker.slice(0, at), port: Number(broker.slice(at + 1)), timeout: 5000 });
        socket.once('connect', resolve).once('error', reject);
        socket.once('timeout', () => reject(new Error('no answer within 5 s')));
        socket.once('connect', () => socket.destroy()).once('timeout', () => socket.destroy());
      }),
  );
  try {
    await Promise.any(attempts);
  } catch (cause) {
    throw new LaunchError(`${setting} names ${brokers.join(', ')}, and nothing there accepts connections.`, { cause });
  }
}
