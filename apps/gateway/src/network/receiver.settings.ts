import { isIP } from 'node:net';
import { z } from 'zod';
import { type Network, networkOf } from './address-policy.js';
import type { OwnEndpoint } from './own-addresses.js';
import { ReceiverNetwork } from './receiver-network.js';
import { type PortRange, hostOf, portOf } from './receiver-url.js';
import { resolveBy } from './resolver.js';

const networks = listOf('must be networks like 10.0.0.0/8 or fd00::/8, separated by commas', networkOf);

/** What an operator says about where webhooks may point. */
export const receiverSettings = {
  receiverHttp: {
    env: 'HEDDLE_RECEIVER_HTTP',
    schema: z.stringbool('must be true or false').default(false),
    about: 'true to deliver to webhooks over http, too, where anybody on the way can read and change what is delivered',
  },
  receiverPorts: {
    env: 'HEDDLE_RECEIVER_PORTS',
    schema: z.string().default('80,443,1024-65535').transform(listOf('must be ports like 443 or 8000-8999', portsOf)),
    about: 'ports that webhooks may name, as numbers and ranges separated by commas',
  },
  receiverNetworks: {
    env: 'HEDDLE_RECEIVER_NETWORKS',
    schema: z.string().default('').transform(networks),
    about:
      'networks that webhooks may point to beside public addresses, as CIDR separated by commas; the mesh itself is never among them',
  },
  receiverDeniedNetworks: {
    env: 'HEDDLE_RECEIVER_DENIED_NETWORKS',
    schema: z.string().default('').transform(networks),
    about: 'networks that webhooks may not point to, whatever else is allowed, as CIDR separated by commas',
  },
  dnsServers: {
    env: 'HEDDLE_DNS_SERVERS',
    schema: z.string().default('').transform(listOf('must be addresses, each with :port or without', serverOf)),
    about: 'name servers that receivers of webhooks are looked up by; those of the system when not set',
  },
} as const;

/** The settings that say where webhooks may point, and those that say what the gateway itself is built on. */
export interface NetworkSettings {
  host: string;
  port: number;
  kafkaBrokers: readonly string[];
  registryUrl: string;
  owners: ReadonlyMap<string, string>;
  receiverHttp: boolean;
  receiverPorts: readonly PortRange[];
  receiverNetworks: readonly Network[];
  receiverDeniedNetworks: readonly Network[];
  dnsServers: readonly string[];
}

/**
 * @param instanceUrl under which other instances reach this one; not the public one, for what stands in front of the
 *   gateway may well stand in front of receivers, too
 */
export function receiverNetworkOf(settings: NetworkSettings, instanceUrl: string): ReceiverNetwork {
  const { receiverHttp, receiverPorts, receiverNetworks, receiverDeniedNetworks, dnsServers } = settings;
  return new ReceiverNetwork({
    rules: { http: receiverHttp, ports: receiverPorts, allowed: receiverNetworks, denied: receiverDeniedNetworks },
    own: ownEndpoints(settings, instanceUrl),
    ...(dnsServers.length === 0 ? {} : { resolve: resolveBy(dnsServers) }),
  });
}

function ownEndpoints(settings: NetworkSettings, instanceUrl: string): OwnEndpoint[] {
  const { host, port, kafkaBrokers, registryUrl, owners } = settings;
  const named = [...kafkaBrokers.map((broker) => `tcp://${broker}`), registryUrl, instanceUrl, ...owners.values()];
  return [{ host, port }, ...named.flatMap(endpointOf)];
}

function endpointOf(text: string): OwnEndpoint[] {
  const url = URL.parse(text);
  return url === null || url.hostname === '' ? [] : [{ host: hostOf(url.hostname), port: portOf(url) }];
}

function portsOf(text: string): PortRange | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = { from: Number(first), to: Number(last) };
  return range.from >= 1 && range.from <= range.to && range.to <= 65_535 ? range : undefined;
}

function serverOf(text: string): string | undefined {
  const [, bracketed, v4] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? [];
  return isIP(text) !== 0 || isIP(bracketed ?? v4 ?? '') !== 0 ? text : undefined;
}

/** Reads what stands between commas; one that cannot be read makes the whole wrong. */
function listOf<T>(rule: string, read: (text: string) => T | undefined) {
  return (text: string, context: z.RefinementCtx): T[] => {
    const list: T[] = [];
    for (const part of text.split(',').map((entry) => entry.trim())) {
      const item = part === '' ? undefined : read(part);
      if (item !== undefined) list.push(item);
      else if (part !== '') context.addIssue({ code: 'custom', message: `${rule}; ${part} is not` });
    }
    return list;
  };
}
