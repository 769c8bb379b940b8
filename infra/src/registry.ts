import { JVM_OPTIONS } from './java.mjs';
import { REGISTRY_JAR } from './programs.mjs';
import { waitForHttp } from './ready.js';
import { readyOrExited, spawnProcess, type OnSpawn, type Running } from './running.js';

export interface RegistryOptions {
  port: number;
  /** The broker that keeps the schemas, `host:port`. It may come up later than the registry, up to a minute. */
  brokers: string;
  logFile: string;
  onSpawn?: OnSpawn | undefined;
}

/** Where the registry on this port speaks the Confluent API. */
export function registryUrl(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`;
}

/** Settings of the registry, in a container too: schemas are kept in Kafka, so it has no data of its own. */
export const REGISTRY_DEFAULTS = {
  APICURIO_STORAGE_KIND: 'kafkasql',
  QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
  // It waits this long for snapshots it does not have; its default of 5 s is most of its start.
  APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT: '500',
} as const;

/** An Apicurio Registry on loopback; resolves once it answers with all schemas of its journal. */
export async function startRegistry({ port, brokers, logFile, onSpawn }: RegistryOptions): Promise<Running> {
  const running = await spawnProcess({
    name: 'schema registry',
    command: 'java',
    args: ['-Xmx400m', ...JVM_OPTIONS, '-jar', REGISTRY_JAR],
    logFile,
    onSpawn,
    env: {
      ...process.env,
      ...REGISTRY_DEFAULTS,
      APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: brokers,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_LOG_CONSOLE_COLOR: 'false',
    },
  });
  await readyOrExited(running, (signal) => waitForHttp(`http://127.0.0.1:${port}/health/ready`, { signal }));
  return running;
}
