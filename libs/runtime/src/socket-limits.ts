import type { Server, Socket } from 'node:net';
import type { HttpLimits } from './http-limits.js';
import { NO_PROXIES, type TrustedProxies } from './trusted-proxies.js';

/** How many connections there are of the many there may be. */
export interface SocketUse {
  /** An address, or nothing for the whole process. */
  address: string | undefined;
  used: number;
  limit: number;
}

/**
 * Bounds the connections of a server, in all and from one address. What is too much is closed unanswered, for an answer
 * would have to wait for a request. `onUse` hears of each new connection. A trusted proxy is no one client: it may have as
 * many as all together.
 */
export function limitSockets(
  server: Server,
  { limitSockets: limit, limitAddressSockets }: HttpLimits,
  onUse: (use: SocketUse) => void = () => undefined,
  proxies: TrustedProxies = NO_PROXIES,
): void {
  const byAddress = new Map<string, number>();
  let open = 0;
  server.maxConnections = limit;
  server.on('drop', () => onUse({ address: undefined, used: limit + 1, limit }));
  // Before Node's own, which sets up a parser for each.
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const isProxy = proxies.has(address);
    const used = (byAddress.get(address) ?? 0) + 1;
    if (used > limitAddressSockets && !isProxy) {
      socket.destroy();
      onUse({ address, used, limit: limitAddressSockets });
      return;
    }
    byAddress.set(address, used);
    open += 1;
    socket.once('close', () => {
      open -= 1;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
    if (!isProxy) onUse({ address, used, limit: limitAddressSockets });
    onUse({ address: undefined, used: open, limit });
  });
}
