import type { QueueDirectory } from '../../queues/queue-directory.js';
import type { QueueStore } from '../../queues/queue-store.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { Vault } from '../../vault/vault.js';
import { isToBeSealed, openWebhook, sealWebhook, type WebhookPlace } from './sealed-webhook.js';
import type { WebhookDefinition } from './webhook.js';

/** Definitions on their way into the log and out of it: sealed there, in the clear here. */
export class WebhookSafe {
  constructor(
    private readonly vault: Vault,
    private readonly store: QueueStore,
    private readonly directory: QueueDirectory,
  ) {}

  /** Stores a queue and what belongs to it, all or nothing. */
  async putQueue(queue: QueueDefinition, webhook?: WebhookDefinition): Promise<void> {
    if (webhook === undefined) return this.store.putQueue(queue);
    await this.store.putQueue(queue, sealWebhook(webhook, await this.vault.sealer(webhook.tenant)));
  }

  async putWebhook(webhook: WebhookDefinition): Promise<void> {
    await this.store.putWebhook(sealWebhook(webhook, await this.vault.sealer(webhook.tenant)));
  }

  deleteQueue(queue: QueueDefinition, webhooks: readonly WebhookPlace[]): Promise<void> {
    return this.store.deleteQueue(queue, webhooks);
  }

  deleteWebhook(webhook: WebhookPlace): Promise<void> {
    return this.store.deleteWebhook(webhook);
  }

  webhook(tenant: string, name: string): WebhookDefinition | undefined {
    const stored = this.directory.webhook(tenant, name);
    return stored === undefined ? undefined : openWebhook(stored, this.vault);
  }

  webhooks(tenant: string): WebhookDefinition[] {
    return this.directory.webhooks(tenant).map((stored) => openWebhook(stored, this.vault));
  }

  inSlot(slot: number): WebhookDefinition[] {
    return this.directory.inSlot(slot).webhooks.map((stored) => openWebhook(stored, this.vault));
  }

  caughtUp(slot: number): Promise<void> {
    return this.directory.caughtUp(slot);
  }

  /** Whether it stands in the log in the clear, or under an older key. */
  isToBeSealed({ tenant, name }: WebhookPlace): boolean {
    const stored = this.directory.webhook(tenant, name);
    return stored !== undefined && isToBeSealed(stored, this.vault);
  }

  /** Hears of every data key that can be used from now on: what could not be opened may open, and is to be sealed anew. */
  onKey(listener: (tenant: string) => void): void {
    this.vault.onKey(listener);
  }
}
