import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.parse>;

/** An address and how many of its leading bits count. */
export type Network = [Address, number];

export interface AddressRules {
  /** What may be reached although it is not public. */
  allowed: readonly Network[];
  /** What may not be reached, whatever else is said. */
  denied: readonly Network[];
}

/** Nothing else of IPv6 is given out to anybody (IANA, "IPv6 Global Unicast Address Assignments"). */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Looks public, and is where a cloud's machines find what the cloud tells only them (Azure's 168.63.129.16). */
const CLOUD_PLATFORM = ipaddr.IPv4.parseCIDR('168.63.129.16/32');
/** Of these there is no single receiver, whatever an operator allows. */
const NO_RECEIVER = new Set(['unspecified', 'multicast', 'broadcast', 'ipv4Mapped', 'no address']);
/** IPv6 addresses behind which a translator has an IPv4 address, in the last 32 bits (RFC 6052 §2.2, of /96). */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

const WORDS: Readonly<Record<string, string>> = {
  linkLocal: 'link-local',
  carrierGradeNat: 'shared (carrier-grade NAT)',
  uniqueLocal: 'unique local',
  ipv4Mapped: 'IPv4-mapped',
  rfc6052: 'NAT64',
};

/**
 * What speaks against connecting to an address, as a word for what it is (`loopback`, `private`, …); undefined when
 * nothing does. Only what is global unicast may be reached, and what an operator allows in addition; what an operator
 * denies wins over both.
 */
export function addressProblem(address: string, { allowed, denied }: AddressRules): string | undefined {
  if (isIP(address) === 0) return 'no address';
  const parsed = ipaddr.parse(address);
  if (isWithin(parsed, denied)) return 'denied';
  const kind = kindOf(parsed);
  if (kind === undefined) return undefined;
  if (NO_RECEIVER.has(kind) || !isWithin(parsed, allowed)) return WORDS[kind] ?? kind;
  // A network that lives on a translator may be allowed as a whole: what counts is who is behind it.
  const behind = behindTranslator(parsed);
  return behind === undefined ? undefined : addressProblem(behind, { allowed, denied });
}

/** What an address is where it is not global unicast. */
function kindOf(address: Address): string | undefined {
  const range = address.range();
  if (range !== 'unicast') return range;
  if (address instanceof ipaddr.IPv4) return address.match(CLOUD_PLATFORM) ? 'cloud platform' : undefined;
  // The IPv4-compatible `::7f00:1` is "unicast", too, and so is all that nobody was given yet.
  return address.match(GLOBAL_UNICAST_V6) ? undefined : 'not global unicast';
}

function behindTranslator(address: Address): string | undefined {
  if (!(address instanceof ipaddr.IPv6) || !address.match(NAT64)) return undefined;
  return address.toByteArray().slice(12).join('.');
}

function isWithin(address: Address, networks: readonly Network[]): boolean {
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/** The network that a text names: `10.0.0.0/8`, `::1/128`, or an address by itself; undefined for anything else. */
export function networkOf(text: string): Network | undefined {
  const [address = '', bits, ...more] = text.split('/');
  if (isIP(address) === 0 || address.includes('%') || more.length > 0) return undefined;
  const parsed = ipaddr.parse(address);
  const most = parsed.kind() === 'ipv4' ? 32 : 128;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return undefined;
  return Number(bits ?? most) <= most ? [parsed, Number(bits ?? most)] : undefined;
}

/** As it was written. */
export function networkText([address, bits]: Network): string {
  return `${address.toString()}/${bits}`;
}
