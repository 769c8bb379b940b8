import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** Proxies whose word on where a request comes from (`X-Forwarded-For`) is taken; from nobody else it is. */
export interface TrustedProxies {
  /** Whether this address is one of them. */
  has(address: string): boolean;
}

/** Shorter prefixes are of more machines than anybody runs proxies on: each of those could say to be anybody. */
const LEAST_PREFIX = { 4: 16, 6: 48 } as const;
const WIDE = 'wide:';

/** Nobody is believed whom it was asked by. */
export const NO_PROXIES: TrustedProxies = { has: () => false };

/** Settings of a process that proxies may stand before. */
export const proxySettings = {
  trustedProxies: {
    env: 'HEDDLE_TRUSTED_PROXIES',
    schema: z
      .string()
      .default('')
      .transform((text, context) => parse(text, context)),
    about:
      'addresses and ranges (CIDR) of proxies whose X-Forwarded-For, -Host and -Proto are believed, separated by commas: the client is then whom the last of them was asked by. None, when not set. Ranges wider than /16 (IPv6: /48) need wide: in front, for every machine in them could say to be anybody',
  },
} as const;

/**
 * Where a request comes from: the other end of its connection, or, when that is a trusted proxy, whom it names, and so
 * on backwards through the list. What an untrusted address says of others is not looked at.
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } },
  proxies: TrustedProxies,
): string | undefined {
  let address = socket.remoteAddress;
  const forwarded = headers['x-forwarded-for'];
  if (address === undefined || forwarded === undefined || !proxies.has(address)) return address;
  const named = (typeof forwarded === 'string' ? forwarded : forwarded.join(',')).split(',').toReversed();
  for (const text of named) {
    const name = text.trim();
    if (name === '') continue;
    address = name;
    if (!proxies.has(name)) break;
  }
  return address;
}

function parse(text: string, context: z.RefinementCtx): TrustedProxies {
  const list = new BlockList();
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  for (const entry of entries) {
    const problem = add(list, entry);
    if (problem === undefined) continue;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  }
  if (entries.length === 0) return NO_PROXIES;
  return {
    has(address) {
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** Says what is wrong with an entry; nothing when it is in the list by now. */
function add(list: BlockList, entry: string): string | undefined {
  const isWide = entry.startsWith(WIDE);
  const range = isWide ? entry.slice(WIDE.length) : entry;
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (family === 0 || prefix > most) return `must be addresses or ranges as 10.0.3.7 or 10.0.3.0/24; ${entry} is not`;
  if (prefix < LEAST_PREFIX[family as 4 | 6] && !isWide) {
    return `has ${entry}, in which every machine could say to be anybody: name the proxies, or write ${WIDE}${entry} if that is meant`;
  }
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return undefined;
}
