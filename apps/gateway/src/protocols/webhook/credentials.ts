import type { ReceiverNetwork } from '../../network/receiver-network.js';
import { type ClientCertificate, tlsOf } from './client-certificate.js';
import { masked } from './masked.js';
import type { TlsIdentity } from './one-request.js';
import { type OAuth2Client, TokenSource } from './token-source.js';

/** What a receiver is shown to be let in: at most one of basic, apiKey and oauth2, and mtls beside any. */
export interface WebhookAuth {
  basic?: { user: string; password: string };
  apiKey?: { header: string; value: string };
  oauth2?: OAuth2Client;
  mtls?: ClientCertificate;
}

/** The credentials of one webhook at work. */
export class Credentials {
  /** Static headers, names and values in turn. */
  readonly headers: readonly string[];
  /** The same as they may be shown and kept, and the one of the token. */
  readonly maskedHeaders: readonly string[];
  /** How connections to the receiver identify themselves. */
  readonly tls: TlsIdentity | undefined;
  readonly #tokens: TokenSource | undefined;

  /**
   * @param network where a token may be asked for
   * @param before whose token is kept where it comes from the same client
   */
  constructor(auth: WebhookAuth, network: ReceiverNetwork, before?: Credentials) {
    const { basic, apiKey, oauth2 } = auth;
    if (basic !== undefined) {
      const pair = Buffer.from(`${basic.user}:${basic.password}`).toString('base64');
      this.headers = ['authorization', `Basic ${pair}`];
      this.maskedHeaders = ['authorization', `Basic ${masked('')}`];
    } else if (apiKey !== undefined) {
      this.headers = [apiKey.header, apiKey.value];
      this.maskedHeaders = [apiKey.header, masked(apiKey.value)];
    } else {
      this.headers = [];
      this.maskedHeaders = oauth2 === undefined ? [] : ['authorization', `Bearer ${masked('')}`];
    }
    this.tls = tlsIdentity(auth);
    if (oauth2 !== undefined) {
      const kept = before === undefined ? undefined : before.#tokens;
      const isSame = kept !== undefined && JSON.stringify(kept.client) === JSON.stringify(oauth2);
      this.#tokens = isSame ? kept : new TokenSource(oauth2, network);
    }
  }

  /** The value of the authorization header, where it is a token. */
  get token(): string | undefined {
    return this.#tokens?.header;
  }

  /**
   * Nothing when a request can be made now, which is nearly always; else a promise to wait for.
   * It rejects with HeddleError `credentials-unavailable`: then the attempt fails, and is tried again.
   */
  ready(): Promise<void> | undefined {
    return this.#tokens === undefined || this.#tokens.header !== undefined ? undefined : this.#tokens.fetch();
  }

  /** The receiver answered 401 to a request with this token; returns whether trying again at once makes sense. */
  refused(token: string | undefined): boolean {
    return token !== undefined && (this.#tokens?.refused(token) ?? false);
  }
}

/** How connections to a receiver identify themselves, where they are to. */
export function tlsIdentity({ mtls }: WebhookAuth): TlsIdentity | undefined {
  return mtls === undefined ? undefined : tlsOf(mtls);
}
