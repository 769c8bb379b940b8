import type { Log } from '@heddle/runtime';
import type { Namespaces } from '../../messages/namespaces.js';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import type { Queues } from '../../queues/queues.js';
import type { Samples } from './samples.js';
import type { WebhookReceivers } from './webhook-receivers.js';
import type { WebhookSafe } from './webhook-safe.js';

/** What the management of webhooks needs of the rest of the gateway. */
export interface WebhooksParts {
  /** Keeps definitions, in the partition of the slot of the webhook's queue, and knows those of every instance. */
  safe: Pick<WebhookSafe, keyof WebhookSafe>;
  /** The queues at work here, those that webhooks bring among them. */
  queues: Pick<Queues, 'find' | 'atWork' | 'defineOwn' | 'begin' | 'redefine' | 'drop'>;
  receivers: Pick<WebhookReceivers, 'apply' | 'remove' | 'statistics' | 'attempt'>;
  samples: Pick<Samples, 'find'>;
  /** Whether a tenant may have one more. @throws HeddleError `quota-exceeded` */
  admitWebhook?: (tenant: string) => void;
  /** Where webhooks may point. */
  network: ReceiverNetwork;
  /** Under which topics go out. */
  namespaces: Namespaces;
  /** Hears of what operators want to know; what a receiver runs into is said by itself. */
  onOperation: (operation: WebhookOperation) => void;
  /** Under which receivers reach this gateway. */
  baseUrl: string;
  log: Log;
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
    | 'webhook-consent'
    | 'webhook-unreadable'
    | 'webhook-readable';
  tenant: string;
  webhook: string;
  queue: string;
  at: string;
  /** One line: why it was disabled or cannot be read, or which state the handshake came to. */
  detail?: string;
}
