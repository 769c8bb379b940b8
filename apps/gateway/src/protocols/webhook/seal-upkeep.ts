import type { Log } from '@heddle/runtime';
import type { WebhookSafe } from './webhook-safe.js';
import { type WebhookDefinition, nameOf } from './webhook.js';

/** The webhooks that are looked after: those of the slots owned here. */
export interface Attended {
  /** By tenant and name, as `nameOf` makes one of them. */
  webhooks(): ReadonlyMap<string, WebhookDefinition>;
  /** Runs a change when those before it are done. */
  inTurn(change: () => Promise<void>): Promise<void>;
  /** Its secrets, which could not be opened, are here. */
  onReadable(webhook: WebhookDefinition): void;
  /** Its secrets cannot be opened. */
  onUnreadable(webhook: WebhookDefinition): void;
}

/** A data key that another instance has just drawn is here within so long; what cannot be opened then is told of. */
const KEY_ON_ITS_WAY_MS = 5000;
/** Until what could not be stored is stored again. */
const STORE_AGAIN_MS = 5000;

/**
 * Keeps what is stored of webhooks sealed with the newest key of their tenant: what stands there in the clear or under
 * an older key is stored anew. And waits for the keys of those that cannot be opened.
 */
export class SealUpkeep {
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(
    private readonly safe: Pick<WebhookSafe, 'webhook' | 'putWebhook' | 'isToBeSealed' | 'onKey'>,
    private readonly log: Log,
    private readonly attended: Attended,
  ) {
    safe.onKey((tenant) => this.#onKey(tenant));
  }

  /** A webhook was taken over. */
  attend(webhook: WebhookDefinition): void {
    if (webhook.unreadable === undefined) {
      if (this.safe.isToBeSealed(webhook)) this.#sealAnew(nameOf(webhook));
      return;
    }
    this.#later(KEY_ON_ITS_WAY_MS, () => {
      const now = this.attended.webhooks().get(nameOf(webhook));
      if (now?.unreadable !== undefined) this.attended.onUnreadable(now);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #onKey(tenant: string): void {
    if (this.#isClosed) return;
    for (const webhook of this.attended.webhooks().values()) {
      if (webhook.tenant !== tenant) continue;
      if (webhook.unreadable !== undefined) this.#openAgain(nameOf(webhook));
      else if (this.safe.isToBeSealed(webhook)) this.#sealAnew(nameOf(webhook));
    }
  }

  #openAgain(name: string): void {
    void this.attended.inTurn(async () => {
      const before = this.attended.webhooks().get(name);
      if (before?.unreadable === undefined) return;
      const webhook = this.safe.webhook(before.tenant, before.name);
      if (webhook !== undefined && webhook.unreadable === undefined) this.attended.onReadable(webhook);
    });
  }

  /** Nothing of it changes: its version stays, and deliveries go on. */
  #sealAnew(name: string): void {
    const work = async (): Promise<void> => {
      const webhook = this.attended.webhooks().get(name);
      if (this.#isClosed || webhook === undefined || webhook.unreadable !== undefined) return;
      if (!this.safe.isToBeSealed(webhook)) return;
      await this.safe.putWebhook(webhook);
      this.log.info({ event: 'webhook-sealed', webhook: name }, 'webhook stored under the newest key');
    };
    this.attended.inTurn(work).catch((error: unknown) => {
      this.log.warn({ event: 'webhook-not-sealed', webhook: name, err: error }, 'not stored anew, trying again');
      this.#later(STORE_AGAIN_MS, () => this.#sealAnew(name));
    });
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }
}
