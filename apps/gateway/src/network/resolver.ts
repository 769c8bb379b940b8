import type { LookupAddress } from 'node:dns';
import { Resolver, lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** All addresses of a host name. Rejects with the system's error when there are none. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

const QUERY_TIMEOUT_MS = 2000;
const QUERY_TRIES = 2;

/** As all programs of this machine resolve: its name servers, its hosts file. */
export const systemResolve: Resolve = (host) => lookup(host, { all: true });

/** By name servers of one's own, `address` or `address:port`; no hosts file, no search domains. */
export function resolveBy(servers: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  resolver.setServers(servers);
  return async (host) => {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
  };
}

/** The addresses of a host, which may be an address itself; none where it has none now. */
export async function resolved(host: string, resolve: Resolve): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await resolve(host)).map(({ address }) => address);
  } catch {
    return [];
  }
}
