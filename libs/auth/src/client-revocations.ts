import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, type ControlLog, type ControlRecord, type Follower } from '@heddle/event';
import type { Caller } from './caller.js';

/** Of a client as the gateway stores it, what decides on its tokens. */
interface ClientState {
  disabled: boolean;
  /** Milliseconds since 1970: tokens that were granted before are refused. */
  validFrom: number;
}

const TOPIC = CONTROL_TOPICS.clients;
const PREFIX = 'client/';
/** No token is good for longer; of a client that was deleted before that there is none. */
const LONGEST_TOKEN_MS = 86_400_000;

/**
 * What has ended the tokens of clients: that they were disabled, deleted, or had their rights changed. Followed in the
 * log that the gateway writes it into, and so known within a second of that, while the log is well. When it cannot be
 * read, what was known by then holds, and a token is good until it ends; nobody is refused for it.
 *
 * A client that nothing was heard of is believed its token, which the gateway has signed: it may be newer than what was
 * read, or one of another issuer, or the gateway itself, none of which stands there.
 */
export class ClientRevocations {
  readonly #clients = new Map<string, ClientState>();
  /** Clients that were deleted, by when that was heard. */
  readonly #deleted = new Map<string, number>();
  #follower: Follower | undefined;

  constructor(
    private readonly controlLog: Pick<ControlLog, 'follow' | 'ensureTopics'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Resolves when everything is known that was there. @throws HeddleError `log-unavailable` */
  async start(): Promise<void> {
    // A service may be there before any gateway.
    await this.controlLog.ensureTopics(CONTROL_TOPIC_SPECS.filter(({ name }) => name === TOPIC));
    this.#follower = await this.controlLog.follow(TOPIC, (record) => this.#apply(record));
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  /** Whether what was granted to a caller is still its client's, as far as was heard. */
  isCurrent({ tenant, client, grantedAt }: Pick<Caller, 'tenant' | 'client' | 'grantedAt'>): boolean {
    const key = `${tenant}/${client}`;
    const state = this.#clients.get(key);
    if (state === undefined) return !this.#deleted.has(key);
    return !state.disabled && grantedAt >= state.validFrom;
  }

  #apply({ key, value }: ControlRecord): void {
    if (!key.startsWith(PREFIX)) return;
    const name = key.slice(PREFIX.length);
    this.#deleted.delete(name);
    if (value !== null) {
      // The rest of the record, hashes of secrets among it, is nobody's business here.
      const { disabled, validFrom } = value as ClientState;
      this.#clients.set(name, { disabled, validFrom });
      return;
    }
    this.#clients.delete(name);
    const now = this.now();
    // In the order in which they were heard.
    for (const [other, at] of this.#deleted) {
      if (at > now - LONGEST_TOKEN_MS) break;
      this.#deleted.delete(other);
    }
    this.#deleted.set(name, now);
  }
}
