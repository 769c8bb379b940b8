import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { QueueDefinition } from '../../queues/queue.js';
import type { WebhooksParts } from './webhook-ports.js';
import { elsewhere } from './webhook-refusals.js';
import type { WebhookDefinition } from './webhook.js';
import { type WebhookRequest, queueSettingsOf } from './webhook.shape.js';

/**
 * The queue a webhook brings, as it is to be; nothing for one that reads a queue which is there without it.
 *
 * @throws HeddleError `conflict`, `not-found`, `permission-missing`, `queue-elsewhere`
 */
export async function ownQueueOf(
  queues: WebhooksParts['queues'],
  caller: Caller,
  webhook: WebhookDefinition,
  request: WebhookRequest,
): Promise<QueueDefinition | undefined> {
  const { tenant, queue: name, ownsQueue } = webhook;
  const present = queues.find(tenant, name);
  if (ownsQueue) {
    if (present === undefined || present.implicit) {
      return queues.defineOwn(caller, name, queueSettingsOf(request), present);
    }
    throw new HeddleError(
      'conflict',
      `There is a queue ${name}, so that the webhook cannot bring its own: name it as queue, or take another name.`,
      { field: 'name' },
    );
  }
  if (present === undefined) {
    throw new HeddleError(
      'not-found',
      `There is no queue ${name}: create it first, or leave queue out for one of the webhook's own.`,
      { field: 'queue' },
    );
  }
  if (present.implicit) {
    throw new HeddleError('conflict', `The queue ${name} is the own one of another webhook.`, { field: 'queue' });
  }
  if (queues.atWork(tenant, name) === undefined) throw elsewhere(name);
  return undefined;
}
