import type { SlotGroup, SlotHandlers, SlotMember } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { createKafka, silent, type KafkaConnection, type LogLine } from './kafka-client.js';
import { SlotMembership } from './slot-membership.js';

/** Which consumer group divides the slots. */
export interface KafkaSlotGroupOptions extends KafkaConnection {
  /** The consumer group whose members divide the slots (`heddle.owners`). */
  group?: string;
}

/**
 * The slots are the partitions of `heddle.queues`, which must exist, and the members a consumer group on it. A member
 * that is silent for six seconds is replaced; what it knows itself after five, by `isCurrent`.
 */
export class KafkaSlotGroup implements SlotGroup {
  private readonly kafka: Kafka;
  private readonly group: string;
  private readonly log: LogLine;

  constructor(options: KafkaSlotGroupOptions) {
    this.kafka = createKafka(options);
    this.group = options.group ?? 'heddle.owners';
    this.log = options.log ?? silent;
  }

  /** Waits for the broker as long as that takes. */
  async join(handlers: SlotHandlers): Promise<SlotMember> {
    const membership = new SlotMembership(this.kafka, this.group, handlers, this.log);
    await membership.start();
    return membership;
  }
}
