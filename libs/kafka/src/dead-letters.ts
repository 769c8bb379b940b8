import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, HeddleError } from '@heddle/event';
import type { FailedEvent } from '@heddle/event';
import type { Appender } from './appender.js';
import type { LogLine } from './kafka-client.js';
import { notedHeaders } from './record.js';
import type { TopicDirectory } from './topic-directory.js';

/** Writes what a group gave up on to `heddle.dead-letters`: original bytes and headers, and why. */
export class DeadLetters {
  constructor(
    private readonly appender: Appender,
    private readonly topics: TopicDirectory,
    private readonly log: LogLine,
  ) {}

  /** Whether it was written; what was not must not be acknowledged. */
  async add(group: string, { event, error, attempts }: FailedEvent): Promise<boolean> {
    try {
      await this.topics.ensure(CONTROL_TOPIC_SPECS.filter((spec) => spec.name === CONTROL_TOPICS.deadLetters));
      const [outcome] = await this.appender.append([
        {
          topic: CONTROL_TOPICS.deadLetters,
          key: event.key,
          value: Buffer.from(event.value.buffer, event.value.byteOffset, event.value.byteLength),
          headers: notedHeaders(event, {
            ...event.notes,
            'heddle-reason': (error instanceof Error ? error.message : String(error)).slice(0, 2000),
            'heddle-code': error instanceof HeddleError ? error.code : 'internal',
            'heddle-error': nameOf(error),
            'heddle-attempts': String(attempts),
            'heddle-group': group,
            'heddle-topic': event.topic,
            'heddle-partition': String(event.partition),
            'heddle-offset': String(event.offset),
          }),
        },
      ]);
      if (outcome !== undefined && 'error' in outcome) throw outcome.error;
      return true;
    } catch (problem) {
      const { topic, partition, offset } = event;
      const message = problem instanceof Error ? problem.message : '';
      this.log('error', 'dead-letter.failed', { group, topic, partition, offset, message });
      return false;
    }
  }
}

/** What kind of error it was: its class, which bundlers and libraries write into `name`, too. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return (error.name === 'Error' ? error.constructor.name : error.name).slice(0, 200);
}
