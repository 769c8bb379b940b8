import type { Caller } from '@heddle/auth';
import { objectOf, tenantOf, topicOf, typeMatcher } from '@heddle/event';
import type { Catalogue } from '@heddle/schema';
import type { QueueDirectory } from './queues/queue-directory.js';
import { maySee } from './queues/queue-rights.js';

/** The consumer groups that read a topic, by name. */
export type GroupsOf = (topic: string) => Promise<readonly string[]>;

/** Who reads the events of a type: queues of the caller's tenant that the caller may see, and groups on Kafka. */
export class EventReaders {
  constructor(
    private readonly directory: Pick<QueueDirectory, 'queues'>,
    private readonly catalogue: Pick<Catalogue, 'find'>,
    private readonly groupsOf: GroupsOf,
  ) {}

  /** @throws HeddleError `type-unknown`, `registry-unavailable`, `log-unavailable` */
  async of(caller: Caller, name: string): Promise<{ type: string; queues: Named[]; services: Named[] }> {
    const { type, topic: object } = await this.catalogue.find(name);
    const topic = topicOf(object, caller.tenant);
    const queues = this.directory
      .queues(caller.tenant)
      .filter((queue) => typeMatcher(queue.types)(type) && (queue.topics?.includes(topic) ?? true))
      .map((queue) => queue.name)
      .filter((queue) => maySee(caller, queue));
    const groups = await this.groupsOf(topic);
    // A service's group is named after it, with its tenant in front.
    const services = groups.map((group) => (tenantOf(group) === caller.tenant ? objectOf(group) : group));
    return { type, queues: namedInOrder(queues), services: namedInOrder(services) };
  }
}

interface Named {
  name: string;
}

function namedInOrder(names: readonly string[]): Named[] {
  return [...new Set(names)].toSorted().map((name) => ({ name }));
}
