import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS } from '@heddle/event';
import type { KafkaMessage } from 'kafkajs';
import type { Appender } from './appender.js';
import type { LogLine } from './kafka-client.js';
import type { Foreign, ForeignReason } from './record.js';
import type { TopicDirectory } from './topic-directory.js';

/** One record that was no event, for whoever counts them. */
export interface SetAsideRecord {
  topic: string;
  partition: number;
  offset: number;
  reason: ForeignReason;
  detail: string;
}

/** Copies of one process that are on their way; what is beyond is only counted, the original stays in its topic. */
const MAX_UNDER_WAY = 1000;

/**
 * Puts records that are no events where they can be looked at: a copy in `heddle.set-aside` under
 * `topic/partition/offset`, so that many readers of one partition leave one copy in that compacted topic.
 */
export class SetAside {
  private readonly logged = new Set<string>();
  private underWay = 0;

  constructor(
    private readonly appender: Appender,
    private readonly topics: TopicDirectory,
    private readonly log: LogLine,
    private readonly onSetAside: (record: SetAsideRecord) => void,
  ) {}

  add(topic: string, partition: number, message: KafkaMessage, foreign: Foreign): void {
    const record = { topic, partition, offset: Number(message.offset), ...foreign };
    this.onSetAside(record);
    const kind = `${topic} ${foreign.reason}`;
    if (!this.logged.has(kind)) {
      this.logged.add(kind);
      this.log('warn', 'record.set-aside', { ...record });
    }
    if (this.underWay >= MAX_UNDER_WAY) return;
    this.underWay += 1;
    void this.copy(record, message).finally(() => (this.underWay -= 1));
  }

  private async copy(record: SetAsideRecord, message: KafkaMessage): Promise<void> {
    try {
      await this.topics.ensure(CONTROL_TOPIC_SPECS.filter((spec) => spec.name === CONTROL_TOPICS.setAside));
      const [outcome] = await this.appender.append([
        {
          topic: CONTROL_TOPICS.setAside,
          key: `${record.topic}/${record.partition}/${record.offset}`,
          // A tombstone cannot be set aside as one: compaction would take the copy away.
          value: message.value ?? Buffer.alloc(0),
          headers: {
            ...message.headers,
            'heddle-reason': record.reason,
            'heddle-detail': record.detail,
            ...(message.key === null ? {} : { 'heddle-key': message.key }),
          },
        },
      ]);
      if (outcome !== undefined && 'error' in outcome) throw outcome.error;
    } catch (error) {
      this.log('warn', 'set-aside.failed', { ...record, message: error instanceof Error ? error.message : '' });
    }
  }
}
