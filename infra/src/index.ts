export { ADMINISTRATOR, makeClients, secretFile } from './clients.mjs';
export { BROKER_DEFAULTS, startBroker, type BrokerOptions } from './broker.js';
export { CHECKOUT, VERSIONS } from './checkout.mjs';
export { databaseUrl, startDatabase, type DatabaseOptions } from './database.js';
export { fuzzDoors } from './fuzz-doors.js';
export { fetchSchemathesis } from './fuzz-tool.js';
export { IMAGES } from './images.js';
export { LaunchError } from './launch-error.mjs';
export { TRIAL_MASTER_KEY } from './master-key.js';
export {
  MESH_APPS,
  startMeshApp,
  urlOf,
  type MeshApp,
  type MeshAppOptions,
  type MeshGround,
  type MeshPorts,
} from './mesh-apps.js';
export { freePort, freePorts, isPortFree, waitForHttp, waitForPort, type WaitOptions } from './ready.js';
export { registerOwnSchemas } from './register-schemas.js';
export { REGISTRY_DEFAULTS, registryUrl, startRegistry, type RegistryOptions } from './registry.js';
export { fetchPrograms } from './programs.mjs';
export { readyOrExited, type Exit, type Running } from './running.js';
export { createOrder, createPartner } from './sample-objects.js';
export { spawnNode, type NodeOptions } from './spawn-node.js';
export { startStack, type StackOptions } from './stack.js';
export type { Stack, StackBroker } from './started-stack.js';
