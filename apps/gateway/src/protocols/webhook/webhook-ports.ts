import type { Log } from '@heddle/runtime';
import type { AttemptOutcome } from '../../deliver.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { MadeRequest } from './request-maker.js';
import type { Samples } from './samples.js';
import type { WebhookStatistics } from './webhook-view.js';
import type { WebhookDefinition } from './webhook.js';
import type { QueueSettings } from './webhook.shape.js';

/** What the management of webhooks needs of the rest of the gateway. */
export interface WebhookParts {
  records: WebhookRecords;
  queues: WebhookQueues;
  receivers: WebhookReceivers;
  samples: Samples;
  /** Hears of what operators want to know; what a receiver runs into is said by itself. */
  onOperation: (operation: WebhookOperation) => void;
  /** Under which receivers reach this gateway. */
  baseUrl: string;
  log: Log;
}

/** Keeps definitions in the partition of the slot of the webhook's queue. Answers come when it is durable. */
export interface WebhookRecords {
  /** Stores a webhook, and its own queue where that is new or changed: both or neither. */
  putWebhook(webhook: WebhookDefinition, ownQueue: QueueDefinition | undefined): Promise<void>;
  /** Deletes a webhook, and the queue it brought with all that belongs to it. */
  deleteWebhook(webhook: WebhookDefinition, ownQueue: QueueDefinition | undefined): Promise<void>;
}

/** What webhooks ask about queues. */
export interface WebhookQueues {
  find(name: string): QueueDefinition | undefined;
  /**
   * The definition of the queue a webhook brings: new, or changed where there is one before; where to start is resolved.
   * Nothing is stored or begun yet.
   *
   * @throws HeddleError `conflict` when something cannot be changed in place
   */
  defineOwn(name: string, settings: QueueSettings, before: QueueDefinition | undefined): Promise<QueueDefinition>;
}

/** The receivers at work. */
export interface WebhookReceivers {
  /** Begins, or goes on with a changed definition. It delivers only as long as `standstillOf` names no reason not to. */
  apply(webhook: WebhookDefinition, queue: QueueDefinition): void;
  /** Ends the receiver, and the queue with it where it was the webhook's own. */
  remove(webhook: WebhookDefinition): Promise<void>;
  statistics(webhook: WebhookDefinition): WebhookStatistics | undefined;
  /** Makes one request outside all queues and limits. */
  attempt(webhook: WebhookDefinition, request: MadeRequest): Promise<AttemptOutcome>;
}

/** Something an operator may want to hear of. */
export interface WebhookOperation {
  event:
    | 'webhook-created'
    | 'webhook-changed'
    | 'webhook-deleted'
    | 'webhook-paused'
    | 'webhook-resumed'
    | 'webhook-disabled'
    | 'webhook-secret-rotated'
    | 'webhook-consent';
  tenant: string;
  webhook: string;
  queue: string;
  at: string;
  /** One line: why it was disabled, or which state the handshake came to. */
  detail?: string;
}
