import type { PartitionAssigner } from 'kafkajs';
import { kafkajs } from './kafkajs.js';

const NAME = 'heddle-manual';
const VERSION = 1;

/** Gives every member of a group all partitions that are wanted: for a group of one, a manual assignment. */
export function manualAssigner(isWanted: (topic: string, partition: number) => boolean): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
  const userData = Buffer.alloc(0);
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData }),
    }),
    assign: ({ members, topics }) => {
      const assignment = Object.fromEntries(
        topics.map((topic) => [
          topic,
          cluster
            .findTopicPartitionMetadata(topic)
            .map((at) => at.partitionId)
            .filter((partition) => isWanted(topic, partition)),
        ]),
      );
      const memberAssignment = MemberAssignment.encode({ version: VERSION, assignment, userData });
      return Promise.resolve(members.map(({ memberId }) => ({ memberId, memberAssignment })));
    },
  });
}
