import { ReceiverNetwork, type ReceiverNetworkParts, type ReceiverRules } from './receiver-network.js';
import { networkOf } from './address-policy.js';

/** The settings of a gateway whose receivers are on this machine. */
export const LOOPBACK_SETTINGS = { HEDDLE_RECEIVER_HTTP: 'true', HEDDLE_RECEIVER_NETWORKS: '127.0.0.0/8,::1/128' };

/** Every port, and http: what a test changes is where. */
export function rulesOf({ allowed = [], denied = [] }: { allowed?: string[]; denied?: string[] } = {}): ReceiverRules {
  const networks = (texts: string[]) => texts.map((text) => networkOf(text)!);
  return { http: true, ports: [{ from: 1, to: 65_535 }], allowed: networks(allowed), denied: networks(denied) };
}

/** A network where this machine may be pointed to, and no name has an address. */
export function loopbackNetwork(parts: Partial<ReceiverNetworkParts> = {}): ReceiverNetwork {
  return new ReceiverNetwork({
    rules: rulesOf({ allowed: ['127.0.0.0/8', '::1/128'] }),
    own: [],
    resolve: async (host) => {
      throw Object.assign(new Error(`no ${host} in a test`), { code: 'ENOTFOUND' });
    },
    ...parts,
  });
}
