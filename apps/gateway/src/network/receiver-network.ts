import type { LookupAddress } from 'node:dns';
import { type LookupFunction, isIP } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import { type AddressRules, addressProblem, networkText } from './address-policy.js';
import { OwnAddresses, type OwnEndpoint } from './own-addresses.js';
import { type UrlRules, hostOf, portOf, urlProblem } from './receiver-url.js';
import { type Resolve, resolved, systemResolve } from './resolver.js';

export interface ReceiverRules extends UrlRules, AddressRules {}

export interface ReceiverNetworkParts {
  rules: ReceiverRules;
  /** Never reached, even inside an allowed network. */
  own: readonly OwnEndpoint[];
  /** Finds receivers; the system does when left out. */
  resolve?: Resolve;
  /** How long a URL's name is looked up before it is stored; 3 s. */
  admitTimeoutMs?: number;
  /** For tests: what to connect to in place of an address that was found good. */
  reach?: (address: string, port: number) => string;
}

const ADMIT_TIMEOUT_MS = 3000;

/**
 * Where webhooks may point, and whatever else a user names a URL for: their token endpoints, their handshakes. A URL is
 * checked before it is stored, so that its owner hears of it, and again at every connection, which is what counts: the
 * addresses that are checked then are those the socket gets, with no second look-up in between.
 */
export class ReceiverNetwork {
  readonly #own: OwnAddresses;
  readonly #resolve: Resolve;

  constructor(private readonly parts: ReceiverNetworkParts) {
    this.#own = new OwnAddresses(parts.own, systemResolve);
    this.#resolve = parts.resolve ?? systemResolve;
  }

  /** Says once what may be reached beyond public addresses over https: whoever runs the gateway is to know. */
  announce(log: { info: (fields: object, text: string) => void }): void {
    const { http, allowed } = this.parts.rules;
    const networks = allowed.map(networkText);
    const places = ['public addresses', ...networks].join(', ');
    log.info(
      { event: 'receiver-network', http, networks },
      `webhooks may point to ${places} over ${http ? 'http and https' : 'https only'}`,
    );
  }

  /**
   * Checks a URL before it is stored. A name that cannot be resolved now, or takes its time, is let in: what it leads to
   * is checked when it is connected to.
   *
   * @throws HeddleError `receiver-forbidden` with the field
   */
  async admit(text: string, field: string): Promise<void> {
    const url = new URL(text);
    const host = hostOf(url.hostname);
    const checks = this.permit(url).then(async () => {
      if (isIP(host) === 0) await this.#checked(host, portOf(url), await resolved(host, this.#resolve));
    });
    const timeout = new AbortController();
    try {
      await Promise.race([
        checks,
        after(this.parts.admitTimeoutMs ?? ADMIT_TIMEOUT_MS, undefined, { signal: timeout.signal }),
      ]);
    } catch (error) {
      throw new HeddleError('receiver-forbidden', `${field}: ${(error as Error).message}`, { field, cause: error });
    } finally {
      timeout.abort();
    }
  }

  /**
   * Checks all that a URL itself says, before a connection to it. A socket looks up no host that is an address, so that
   * those are decided here, and names in {@link lookup}.
   *
   * @throws HeddleError `receiver-forbidden`
   */
  async permit(url: URL): Promise<void> {
    const problem = urlProblem(url, this.parts.rules);
    if (problem !== undefined) throw new HeddleError('receiver-forbidden', `The URL ${problem}.`);
    const host = hostOf(url.hostname);
    if (isIP(host) !== 0) await this.#checked(host, portOf(url), [host]);
  }

  /**
   * How a socket to this port finds its host. A name with one forbidden address among others is refused as a whole:
   * nobody has reasons for such a name that we want to serve, and which one a socket tries is not in our hand.
   */
  lookup(port: number): LookupFunction {
    return (host, { all = false, family = 0 }, done) => {
      this.#find(host, port).then(
        (addresses) => {
          const wanted = addresses.filter((one) => family === 0 || String(family).endsWith(String(one.family)));
          const [first] = wanted;
          if (first === undefined) done(Object.assign(new Error('no such address'), { code: 'ENOTFOUND' }), '');
          else if (all) done(null, wanted);
          else done(null, first.address, first.family);
        },
        (error: unknown) => done(error as NodeJS.ErrnoException, ''),
      );
    };
  }

  async #find(host: string, port: number): Promise<LookupAddress[]> {
    const found = await this.#resolve(host);
    await this.#checked(
      host,
      port,
      found.map(({ address }) => address),
    );
    const { reach } = this.parts;
    return reach === undefined ? found : found.map((one) => addressed(reach(one.address, port)));
  }

  async #checked(host: string, port: number, addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const problem = addressProblem(address, this.parts.rules);
      const isOwn = problem === undefined && (await this.#own.have(address, port));
      if (problem === undefined && !isOwn) continue;
      const what = isOwn ? 'an address of the mesh itself' : `${problem} address`;
      // What a name leads to inside is nothing that whoever put it there has to hear.
      const text =
        isIP(host) === 0
          ? `The host ${host} has an address that webhooks may not point to.`
          : `Webhooks may not point to ${host} (${what}).`;
      throw new HeddleError('receiver-forbidden', text);
    }
  }
}

function addressed(address: string): LookupAddress {
  return { address, family: isIP(address) };
}
