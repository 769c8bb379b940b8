import { GenericContainer, Network, Wait, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { BROKER_DEFAULTS } from './broker.js';
import { databaseUrl } from './database.js';
import { IMAGES } from './images.js';
import { freePorts } from './ready.js';
import { REGISTRY_DEFAULTS, registryUrl } from './registry.js';
import type { Stack } from './started-stack.js';

/** Whether containers can be started here. */
export async function containerEngineAnswers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

/** Broker, registry and database as containers. Ports are chosen beforehand, for the broker has to name its own. */
export async function startContainerStack(): Promise<Stack> {
  const network = await new Network().start();
  const [kafkaPort = 0, registryPort = 0, databasePort = 0] = await freePorts(3);
  const [broker, registry, database] = await Promise.all([
    new GenericContainer(IMAGES.kafka)
      .withNetwork(network)
      .withNetworkAliases('kafka')
      .withExposedPorts({ container: kafkaPort, host: kafkaPort })
      .withEnvironment(brokerEnvironment(kafkaPort))
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .start(),
    new GenericContainer(IMAGES.registry)
      .withNetwork(network)
      .withExposedPorts({ container: 8080, host: registryPort })
      .withEnvironment({ ...REGISTRY_DEFAULTS, APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: 'kafka:19092' })
      .withWaitStrategy(Wait.forHttp('/health/ready', 8080))
      .start(),
    new GenericContainer(IMAGES.database)
      .withExposedPorts({ container: 5432, host: databasePort })
      .withEnvironment({ POSTGRES_USER: 'heddle', POSTGRES_PASSWORD: 'heddle', POSTGRES_DB: 'postgres' })
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start(),
  ]);
  return {
    kafkaBrokers: [`127.0.0.1:${kafkaPort}`],
    registryUrl: registryUrl(registryPort),
    databaseUrl: databaseUrl(databasePort),
    broker: {
      stop: () => stopped(broker, 30_000),
      kill: () => stopped(broker, 0),
      start: () => broker.restart(),
    },
    stop: async () => {
      await Promise.all([registry.stop(), database.stop()]);
      await broker.stop();
      await network.stop();
    },
  };
}

/** Stopped but not removed, so that it can be started again over the same data. */
async function stopped(container: StartedTestContainer, timeout: number): Promise<void> {
  await container.stop({ remove: false, removeVolumes: false, timeout });
}

/** The image turns `KAFKA_A_B_C` into the property `a.b.c`; a second listener serves the other containers. */
function brokerEnvironment(port: number): Record<string, string> {
  const properties = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': '1@localhost:9093',
    listeners: `OUTSIDE://:${port},INSIDE://:19092,CONTROLLER://:9093`,
    'advertised.listeners': `OUTSIDE://127.0.0.1:${port},INSIDE://kafka:19092`,
    'listener.security.protocol.map': 'OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INSIDE',
    'controller.listener.names': 'CONTROLLER',
    ...BROKER_DEFAULTS,
  };
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [
      `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`,
      String(value),
    ]),
  );
}
