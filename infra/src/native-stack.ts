import { join } from 'node:path';
import { startBroker } from './broker.js';
import { startDatabase } from './database.js';
import { fetchPrograms } from './programs.mjs';
import { freePorts } from './ready.js';
import { registryUrl, startRegistry } from './registry.js';
import type { Running } from './running.js';
import type { Stack } from './started-stack.js';

/** Broker, registry and database as processes of this machine, side by side, on free ports. */
export async function startNativeStack(dir: string): Promise<Stack> {
  await fetchPrograms();
  const [port = 0, controllerPort = 0, registryPort = 0, databasePort = 0] = await freePorts(4);
  const brokers = `127.0.0.1:${port}`;
  const log = (name: string): string => join(dir, 'logs', `${name}.log`);
  const runBroker = (): Promise<Running> =>
    startBroker({ dir: join(dir, 'kafka'), port, controllerPort, logFile: log('kafka') });

  const starts = [
    runBroker(),
    startRegistry({ port: registryPort, brokers, logFile: log('registry') }),
    startDatabase({ dir: join(dir, 'postgres'), port: databasePort, logFile: log('postgres') }),
  ] as const;
  const outcomes = await Promise.allSettled(starts);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.kill();
    throw failed.reason;
  }
  let broker = await starts[0];
  const [, registry, database] = await Promise.all(starts);
  return {
    kafkaBrokers: [brokers],
    registryUrl: registryUrl(registryPort),
    databaseUrl: database.url,
    broker: {
      stop: () => broker.stop(),
      kill: async () => {
        broker.kill();
        await broker.exited;
      },
      start: async () => {
        broker = await runBroker();
      },
    },
    stop: async () => {
      await Promise.all([registry.stop(), database.stop()]);
      await broker.stop();
    },
  };
}
