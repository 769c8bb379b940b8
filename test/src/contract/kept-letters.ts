import { CONTROL_TOPICS, type EventLog, type StoredEvent } from '@heddle/event';
import { vi } from 'vitest';
import { type KeptLetter, WAIT } from './event-log-harness.js';

/** What a group gave up on, as it stands in the log. */
export async function keptLetters(log: EventLog, group: string): Promise<KeptLetter[]> {
  const topic = CONTROL_TOPICS.deadLetters;
  if (!(await log.topics()).includes(topic)) return [];
  // A topic just made has no leaders for a moment.
  const letters = await vi.waitFor(async () => {
    const filled = (await log.bounds(topic)).filter(({ end, earliest }) => end > earliest);
    const pages = filled.map(({ partition, earliest }) => log.fetch({ topic, partition, offset: earliest }));
    return (await Promise.all(pages)).flatMap(({ events }): readonly StoredEvent[] => events);
  }, WAIT);
  return letters
    .filter(({ notes }) => notes?.['heddle-group'] === group)
    .map(({ attributes: { id }, notes = {} }) => ({
      id,
      code: notes['heddle-code'] ?? '',
      reason: notes['heddle-reason'] ?? '',
      error: notes['heddle-error'] ?? '',
      attempts: Number(notes['heddle-attempts']),
    }));
}
