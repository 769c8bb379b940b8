import { CONTROL_TOPICS, HeddleError } from '@heddle/event';
import type { Place } from '../ledger/redrive.js';
import type { Item } from './item.js';
import type { Queues } from './queues.js';

/**
 * Puts the events of dead letters back into their queue, each as a delivery of the redrive's cycle: parked, by where the
 * letter stands, so that it does not matter whether the log still has the event itself.
 */
export function placeLetters(queues: Queues): Place {
  return async ({ name, uuid }, letters, cycle) => {
    const queue = queues.atWork(name);
    if (queue === undefined) {
      throw new HeddleError('queue-elsewhere', `The queue ${name} is not at work at this instance.`);
    }
    if (queue.definition.uuid !== uuid) {
      throw new HeddleError('not-found', `The queue ${name} that gave these up is gone; the present one is another.`);
    }
    queue.place(
      letters.map((letter) => {
        const item: Item = {
          topic: CONTROL_TOPICS.deadLetters,
          partition: letter.partition,
          offset: letter.offset,
          origin: letter.event.topic,
          key: letter.event.key,
          // Its time to live begins anew, or a late redrive could never be delivered.
          appendedAt: Date.now(),
          cycle,
          event: undefined,
          attempts: 0,
          parked: undefined,
        };
        return { item, dueAt: 0 };
      }),
    );
    await queue.settled();
  };
}
