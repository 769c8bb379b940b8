import type { ReceiverNetwork } from '../../network/receiver-network.js';
import { type Consent, ask, askAgainMs, remainingMs } from './handshake.js';
import { Credentials, tlsIdentity } from './credentials.js';
import { type WebhookDefinition, nameOf } from './webhook.js';

interface Followed {
  webhook: WebhookDefinition;
  token: string;
  timer?: NodeJS.Timeout;
}

/** Asks the receivers of webhooks for consent, as often as it takes, and says what became of it. */
export class Handshakes {
  /** What is followed of each webhook: the consent it had then, and the timer of what comes next. */
  readonly #followed = new Map<string, Followed>();

  /**
   * @param baseUrl of the gateway, under which receivers reach the callback
   * @param network where receivers may be asked
   * @param onConsent hears of every state after the one a webhook was followed with
   */
  constructor(
    private readonly baseUrl: string,
    private readonly network: ReceiverNetwork,
    private readonly onConsent: (webhook: WebhookDefinition, consent: Consent) => void,
  ) {}

  /** Does what the state of a webhook's consent calls for: asks (after a delay), waits for the callback, or nothing. */
  follow(webhook: WebhookDefinition, delayMs = 0): void {
    const { consent, handshake } = webhook;
    const name = nameOf(webhook);
    const token = 'token' in consent ? consent.token : '';
    // What is asked already goes on: a change of something else is no reason to ask twice.
    const known = this.#followed.get(name);
    if (known !== undefined && known.token === token && consent.state === 'asking') {
      known.webhook = webhook;
      return;
    }
    this.#forget(name);
    if (handshake === 'exempt') return;
    if (consent.state === 'asking') {
      const followed: Followed = { webhook, token };
      this.#followed.set(name, followed);
      if (delayMs === 0) void this.#ask(followed, 1);
      else followed.timer = setTimeout(() => void this.#ask(followed, 1), delayMs);
    } else if (consent.state === 'pending') {
      const left = Math.max(0, remainingMs(consent, Date.now()));
      const timer = setTimeout(() => this.#expire(webhook), left);
      this.#followed.set(name, { webhook, token, timer });
    }
  }

  forget(webhook: WebhookDefinition): void {
    this.#forget(nameOf(webhook));
  }

  #forget(name: string): void {
    clearTimeout(this.#followed.get(name)?.timer);
    this.#followed.delete(name);
  }

  close(): void {
    for (const name of [...this.#followed.keys()]) this.#forget(name);
  }

  async #ask(followed: Followed, tries: number): Promise<void> {
    const { consent, handshake, url, auth } = followed.webhook;
    const name = nameOf(followed.webhook);
    if (consent.state !== 'asking' || handshake === 'exempt') return;
    const callback = `${this.baseUrl}/v1/webhooks/handshake/${followed.token}`;
    const asked = { url, wish: handshake, callback, tls: tlsIdentity(auth), network: this.network };
    const after = await this.#credentials(followed.webhook).then(
      (headers) => ask(consent, { ...asked, headers }),
      (error: unknown): Consent => ({ ...consent, lastError: (error as Error).message }),
    );
    // Meanwhile the callback may have come, or the webhook may be another.
    if (this.#followed.get(name) !== followed) return;
    if (after.state === 'asking' && remainingMs(after, Date.now()) <= 0) return this.#expire(followed.webhook);
    if (after.state === 'asking') {
      followed.timer = setTimeout(() => void this.#ask(followed, tries + 1), askAgainMs(tries));
    } else {
      this.#followed.delete(name);
    }
    this.onConsent(followed.webhook, after);
  }

  /** Receivers of subscriptions are asked as SAP Event Mesh asks them: with what they let deliveries in by. */
  async #credentials({ auth, subscription }: WebhookDefinition): Promise<Record<string, string> | undefined> {
    if (subscription === undefined) return undefined;
    const credentials = new Credentials(auth, this.network);
    await credentials.ready();
    const { headers, token } = credentials;
    return {
      ...(headers.length === 0 ? {} : { [headers[0]!]: headers[1]! }),
      ...(token === undefined ? {} : { authorization: token }),
    };
  }

  #expire(webhook: WebhookDefinition): void {
    this.#followed.delete(nameOf(webhook));
    this.onConsent(webhook, { state: 'expired', at: new Date().toISOString() });
  }
}
