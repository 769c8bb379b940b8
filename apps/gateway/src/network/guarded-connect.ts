import { buildConnector } from 'undici';
import type { ReceiverNetwork } from './receiver-network.js';
import { portOf } from './receiver-url.js';

/**
 * Connects to one origin, and only where the network lets it: the host is resolved for each connection, every address
 * of it checked, and one of those connected to. For TLS the server's name stays that of the origin.
 */
export function guardedConnect(
  origin: string,
  network: Pick<ReceiverNetwork, 'permit' | 'lookup'>,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const url = new URL(origin);
  const connector = buildConnector({ ...options, lookup: network.lookup(portOf(url)) });
  return (target, callback) => {
    network
      .permit(url)
      .then(() => connector(target, callback))
      .catch((error: unknown) => callback(error as Error, null));
  };
}
