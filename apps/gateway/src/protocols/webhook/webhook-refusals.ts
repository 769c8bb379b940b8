import { HeddleError } from '@heddle/event';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { WebhookRequest } from './webhook.shape.js';
import type { WebhookDefinition } from './webhook.js';

/**
 * A state fits into no header, and without one the deliveries would not be what the queue says they are.
 *
 * @throws HeddleError `data-invalid`
 */
export function refuseBinaryState({ contentMode }: WebhookDefinition, queue: QueueDefinition | undefined): void {
  if (contentMode === 'structured' || queue?.shape !== 'state') return;
  throw new HeddleError(
    'data-invalid',
    `contentMode must be structured: in ${contentMode} mode there is no place for the states of a queue of shape state.`,
    { field: 'contentMode' },
  );
}

/**
 * What stands for secrets that cannot be opened must not be stored in their place, nor sign anything.
 *
 * @throws HeddleError `secret-unreadable`
 */
export function refuseUnreadable({ unreadable }: WebhookDefinition): void {
  if (unreadable === undefined) return;
  throw new HeddleError('secret-unreadable', `${unreadable} Put the webhook with all its secrets, or delete it.`);
}

/** @throws HeddleError `receiver-forbidden` */
export async function admitUrls({ url, auth }: WebhookRequest, network: ReceiverNetwork): Promise<void> {
  await network.admit(url, 'url');
  if (auth.oauth2 !== undefined) await network.admit(auth.oauth2.tokenUrl, 'auth.oauth2.tokenUrl');
}

/** For a webhook whose queue another instance works on. */
export function elsewhere(queue: string): HeddleError {
  return new HeddleError('queue-elsewhere', `The queue ${queue} is at work at another instance; try again.`, {
    retryAfterSeconds: 1,
  });
}
