import type { Check } from './check.js';
import { clockCheck } from './clock-check.js';
import { gatewayCheck } from './gateway-check.js';
import { brokerCheck, registryCheck } from './ground-checks.js';
import { handshakeCheck } from './handshake-check.js';
import { permissionCheck, tokenCheck } from './identity-checks.js';
import { partitionsCheck } from './partitions-check.js';
import { storeCheck } from './store-check.js';

/**
 * All checks, each after those that it rests on: the first that fails is the culprit. A gateway without
 * its broker does not start: so that comes first.
 */
export const checks: readonly Check[] = [
  brokerCheck,
  registryCheck,
  gatewayCheck,
  clockCheck,
  tokenCheck,
  permissionCheck,
  storeCheck,
  handshakeCheck,
  partitionsCheck,
];
