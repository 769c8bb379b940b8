import { CONTROL_TOPICS, HeddleError } from '@heddle/event';
import { z } from 'zod';
import type { Item } from './item.js';
import type { Queues } from './queues.js';

/** The body of `POST /v1/tenants/{tenant}/queues/{name}/letters`. */
export const lettersShape = z.strictObject({
  uuid: z.string().describe('of the creation of the queue'),
  cycle: z.string().min(1).max(64).describe('the id of the redrive: names the delivery cycle'),
  letters: z
    .array(
      z.strictObject({
        partition: z.int().min(0),
        offset: z.int().min(0),
        topic: z.string().describe('where the event was appended first'),
        key: z.string(),
      }),
    )
    .min(1)
    .max(1000),
});

export type Letters = z.infer<typeof lettersShape>;

/**
 * Puts the events of dead letters back into a queue that is at work here, each as a delivery of the redrive's cycle:
 * parked, by where the letter stands, so that it does not matter whether the log still has the event itself. Resolves
 * when that is durable.
 *
 * @throws HeddleError `not-found` when the queue that gave them up is gone, `queue-elsewhere`
 */
export async function placeLetters(
  queues: Queues,
  { tenant, name }: { tenant: string; name: string },
  { uuid, cycle, letters }: Letters,
): Promise<void> {
  const queue = queues.atWork(tenant, name);
  if (queue === undefined) {
    throw new HeddleError('queue-elsewhere', `The queue ${name} is not at work at this instance.`);
  }
  if (queue.definition.uuid !== uuid) {
    throw new HeddleError('not-found', `The queue ${name} that gave these up is gone; the present one is another.`);
  }
  queue.place(
    letters.map(({ partition, offset, topic, key }) => {
      const item: Item = {
        topic: CONTROL_TOPICS.deadLetters,
        partition,
        offset,
        origin: topic,
        key,
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
}
