import { HeddleError } from '@heddle/event';
import type { QueueDefinition } from '../../queues/queue.js';
import type { WebhookDefinition } from './webhook.js';

/**
 * A state fits into no header, and without one the deliveries would not be what the queue says they are.
 *
 * @throws HeddleError `data-invalid`
 */
export function refuseBinaryState({ contentMode }: WebhookDefinition, queue: QueueDefinition | undefined): void {
  if (contentMode !== 'binary' || queue?.shape !== 'state') return;
  throw new HeddleError(
    'data-invalid',
    'contentMode must be structured: in binary mode there is no place for the states of a queue of shape state.',
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
