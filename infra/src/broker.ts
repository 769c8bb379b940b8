import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { JVM_OPTIONS } from './java.mjs';
import { BROKER_JARS } from './programs.mjs';
import { waitForPort } from './ready.js';
import { readyOrExited, spawnProcess, type OnSpawn, type Running } from './running.js';

const exec = promisify(execFile);

export interface BrokerOptions {
  /** Settings and data; formatted when it holds none yet. */
  dir: string;
  port: number;
  /** Of the controller in the same process; port + 1 unless said otherwise. */
  controllerPort?: number;
  logFile: string;
  onSpawn?: OnSpawn | undefined;
}

/** A Kafka broker of one node (KRaft) on loopback; resolves once it accepts connections. Its data outlives it. */
export async function startBroker(options: BrokerOptions): Promise<Running> {
  const running = await launchBroker(options);
  await readyOrExited(running, (signal) => waitForPort(options.port, { signal }));
  return running;
}

async function launchBroker({
  dir,
  port,
  controllerPort = port + 1,
  logFile,
  onSpawn,
}: BrokerOptions): Promise<Running> {
  await mkdir(dir, { recursive: true });
  const properties = join(dir, 'server.properties');
  await writeFile(properties, propertiesOf(join(dir, 'data'), port, controllerPort));
  const classPath = ['-cp', join(BROKER_JARS, '*')];
  if (!existsSync(join(dir, 'data', 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', properties];
    await exec('java', [...JVM_OPTIONS, ...classPath, ...format]);
  }
  return spawnProcess({
    name: 'Kafka',
    command: 'java',
    args: ['-Xmx512m', ...JVM_OPTIONS, ...LOG_OPTIONS, ...classPath, 'kafka.Kafka', properties],
    logFile,
    onSpawn,
    stopTimeoutMs: 30_000,
  });
}

const CLUSTER_ID = 'aGVkZGxlLW1lc2gtb25lLQ';

const LOG_OPTIONS = [
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
];

/** One node needs one replica of everything; few partitions of the broker's own topics make it start sooner. */
function propertiesOf(dataDir: string, port: number, controllerPort: number): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataDir,
    ...BROKER_DEFAULTS,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** What a mesh expects of a broker of one node, containers included. */
export const BROKER_DEFAULTS = {
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 8,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 4,
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': false,
  // A broker that was killed is let in again only when its old session is over, after 9 s by default.
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  // The registry's journal is a topic without a retention of its own: it must not lose schemas after a week.
  'log.retention.ms': -1,
  'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
} as const;
