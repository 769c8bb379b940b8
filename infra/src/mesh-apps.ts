import { clientsFile, secretFile } from './clients.mjs';
import { TRIAL_MASTER_KEY } from './master-key.js';
import { waitForHttp } from './ready.js';
import { readyOrExited, type OnSpawn, type Running } from './running.js';
import { spawnNode } from './spawn-node.js';

/** The processes of the mesh that are ours, in the order they start; they stop in the reverse order. */
export const MESH_APPS = ['business-partner', 'sales-order', 'contract', 'gateway'] as const;

/** All is on this machine, and so are the receivers of whoever tries it. */
const RECEIVERS_HERE = { HEDDLE_RECEIVER_HTTP: 'true', HEDDLE_RECEIVER_NETWORKS: '127.0.0.0/8,::1/128' };

export type MeshApp = (typeof MESH_APPS)[number];

export type MeshPorts = Readonly<Record<MeshApp, number>>;

/** What all of them stand on. */
export interface MeshGround {
  kafkaBrokers: readonly string[];
  registryUrl: string;
  databaseUrl: string;
}

export interface MeshAppOptions {
  ground: MeshGround;
  ports: MeshPorts;
  /** The folder that `makeClients` has made. */
  secrets: string;
  logFile: string;
  /** Added to the settings that place and connect it. */
  env?: Record<string, string>;
  onSpawn?: OnSpawn;
}

export function urlOf(app: MeshApp, ports: MeshPorts): string {
  return `http://127.0.0.1:${ports[app]}`;
}

/** Starts one of our processes; resolves once it says that it is ready. */
export async function startMeshApp(app: MeshApp, options: MeshAppOptions): Promise<Running> {
  const { ground, ports, secrets, logFile, env = {}, onSpawn } = options;
  const running = await spawnNode({
    name: app,
    script: `apps/${app}/dist/main.js`,
    logFile,
    onSpawn,
    env: {
      HOST: '127.0.0.1',
      PORT: String(ports[app]),
      KAFKA_BROKERS: ground.kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: ground.registryUrl,
      ...(app === 'gateway' ? { HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY, ...RECEIVERS_HERE } : ofOthers(ground)),
      ...addresses(app, ports),
      ...identity(app, ports, secrets),
      ...env,
    },
  });
  await readyOrExited(running, (signal) => waitForHttp(`${urlOf(app, ports)}/healthz/ready`, { signal }));
  return running;
}

/** What only the gateway knows would stop the start of the others. */
function ofOthers({ databaseUrl }: MeshGround): Record<string, string | undefined> {
  return { DATABASE_URL: databaseUrl, HEDDLE_MASTER_KEY: undefined, HEDDLE_MASTER_KEY_FILE: undefined };
}

/** Where the processes find each other: the gateway asks the owners of objects, who refer to it by path alone. */
function addresses(app: MeshApp, ports: MeshPorts): Record<string, string> {
  if (app !== 'gateway') return {};
  const owners = MESH_APPS.filter((owner) => owner !== 'gateway').map((owner) => `${owner}=${urlOf(owner, ports)}`);
  return { GATEWAY_URL: urlOf('gateway', ports), OWNER_URLS: owners.join(',') };
}

/** The gateway takes in its first clients; the others believe its tokens, and are clients of it themselves. */
function identity(app: MeshApp, ports: MeshPorts, secrets: string): Record<string, string> {
  if (app === 'gateway') return { HEDDLE_CLIENTS_FILE: clientsFile(secrets) };
  return {
    HEDDLE_ISSUER_URL: urlOf('gateway', ports),
    HEDDLE_CLIENT_ID: app,
    HEDDLE_CLIENT_SECRET_FILE: secretFile(secrets, app),
  };
}
