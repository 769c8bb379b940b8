import { AdminClient, createKafka, type KafkaConnection } from './kafka-client.js';
import { heddleErrorOf } from './kafka-errors.js';
import { kafkajs } from './kafkajs.js';

/** Groups that are asked for side by side, and how many at most: a cluster may have any number. */
const WIDTH = 8;
const MAX_GROUPS = 2_000;

/** Which consumer groups read a topic: those that subscribe to it now, and those that have a position in it. */
export class KafkaConsumerGroups {
  private readonly admin: AdminClient;

  constructor(connection: KafkaConnection) {
    this.admin = new AdminClient(createKafka(connection));
  }

  /** Their names in order. @throws HeddleError `log-unavailable` */
  async readersOf(topic: string): Promise<string[]> {
    try {
      return await this.admin.use(async (admin) => {
        // Asking for offsets of a topic could create it.
        if (!(await admin.listTopics()).includes(topic)) return [];
        const { groups } = await admin.listGroups();
        const ids = groups.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '');
        const found: string[] = [];
        const named = ids.map(({ groupId }) => groupId).slice(0, MAX_GROUPS);
        for (let i = 0; i < named.length; i += WIDTH) {
          const part = named.slice(i, i + WIDTH);
          const read = await Promise.all(
            part.map(async (groupId) => {
              const [{ partitions } = { partitions: [] }] = await admin.fetchOffsets({ groupId, topics: [topic] });
              if (partitions.some(({ offset }) => offset !== '-1')) return groupId;
              const { groups: described } = await admin.describeGroups([groupId]);
              const members = described.flatMap(({ members: all }) => all);
              return members.some(({ memberMetadata }) => topicsIn(memberMetadata).includes(topic)) ? groupId : '';
            }),
          );
          found.push(...read.filter((groupId) => groupId !== ''));
        }
        return found.toSorted();
      });
    } catch (error) {
      throw heddleErrorOf(error);
    }
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}

/** The topics a member subscribes to; members of another protocol say something else there. */
function topicsIn(metadata: Buffer): readonly string[] {
  try {
    return kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)?.topics ?? [];
  } catch {
    return [];
  }
}
