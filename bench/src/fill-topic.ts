import type { BenchContext } from './bench.js';
import { EVENT_TOPIC } from './sample-event.js';
import type { EventAppend } from './workers/event-append.js';

/**
 * Appends so many events to the topic, numbered from zero, as fast as it takes them. Keys and bytes are the sizes of the
 * bench.
 *
 * @param firstKey the number of the first key
 */
export async function fillTopic({ ground, size }: BenchContext, events: number, firstKey = 0): Promise<void> {
  const source = ground.worker<EventAppend>('event-append');
  const { kafkaBrokers: brokers, registryUrl } = ground.stack;
  await source.ask('connect', { brokers, registryUrl });
  await source.ask('fill', { topic: EVENT_TOPIC, events, keys: size('keys'), firstKey, eventBytes: size('bytes') });
  await source.stop();
}
