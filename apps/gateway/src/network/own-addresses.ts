import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { type Resolve, resolved } from './resolver.js';

/** Where something of ours listens: this gateway, the log, the registry, an owner of objects. */
export interface OwnEndpoint {
  host: string;
  port: number;
}

/**
 * The addresses of what the gateway itself is built on. They are not for receivers, even inside a network that is
 * allowed: a webhook there would be the gateway speaking to its own with the gateway's standing.
 */
export class OwnAddresses {
  readonly #hosts = new Map<number, Set<string>>();

  /** @param resolve finds the addresses of hosts that are names, as the gateway's own connections do */
  constructor(
    endpoints: readonly OwnEndpoint[],
    private readonly resolve: Resolve,
  ) {
    for (const { host, port } of endpoints) {
      const hosts = this.#hosts.get(port) ?? new Set();
      this.#hosts.set(port, hosts.add(host));
    }
  }

  /** Looked up each time, for names move; only for ports on which something of ours listens. */
  async have(address: string, port: number): Promise<boolean> {
    const hosts = this.#hosts.get(port);
    if (hosts === undefined) return false;
    const wanted = plain(address);
    for (const host of hosts) {
      const own = (await resolved(host, this.resolve)).map(plain);
      // What listens on one address of this machine may well listen on the others.
      if (own.includes(wanted) || (own.some(isHere) && isHere(wanted))) return true;
    }
    return false;
  }
}

/** Whether an address leads back to this machine. */
function isHere(address: string): boolean {
  const range = ipaddr.parse(address).range();
  if (range === 'loopback' || range === 'unspecified') return true;
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => plain(one.address) === address));
}

/** One spelling per address, IPv4 out of its IPv6 clothes. */
function plain(address: string): string {
  return ipaddr.process(address.replace(/%.*$/, '')).toString();
}
