import type { Caller } from '@heddle/auth';
import { objectOf, tenantOf, topicOf } from '@heddle/event';
import type { Catalogue } from '@heddle/schema';
import type { Namespaces } from './messages/namespaces.js';
import type { QueueDirectory } from './queues/queue-directory.js';
import { maySee } from './queues/queue-rights.js';
import { QueueSelection } from './queues/queue-selection.js';
import type { QueueDefinition } from './queues/queue.js';

/** The consumer groups that read a topic, by name. */
export type GroupsOf = (topic: string) => Promise<readonly string[]>;

/** How long groups are taken from memory: asking a cluster for them takes requests for each of its groups. */
const GROUPS_MS = 2_000;

/** Who reads the events of a type: queues of the caller's tenant that the caller may see, and groups on Kafka. */
export class EventReaders {
  readonly #groups = new Map<string, { until: number; groups: Promise<readonly string[]> }>();

  constructor(
    private readonly directory: Pick<QueueDirectory, 'queues'>,
    private readonly catalogue: Pick<Catalogue, 'find'>,
    private readonly groupsOf: GroupsOf,
    private readonly namespaces: Namespaces,
  ) {}

  /** @throws HeddleError `type-unknown`, `registry-unavailable`, `log-unavailable` */
  async of(caller: Caller, name: string): Promise<{ type: string; queues: Named[]; services: Named[] }> {
    const { type, topic: object } = await this.catalogue.find(name);
    const topic = topicOf(object, caller.tenant);
    const queues = this.directory
      .queues(caller.tenant)
      .filter((queue) => this.#wants(queue, type) && (queue.topics?.includes(topic) ?? true))
      .map((queue) => queue.name)
      .filter((queue) => maySee(caller, queue));
    const groups = await this.#groupsOf(topic);
    // A service's group is named after it, with its tenant in front.
    const services = groups.map((group) => (tenantOf(group) === caller.tenant ? objectOf(group) : group));
    return { type, queues: namedInOrder(queues), services: namedInOrder(services) };
  }

  #wants(queue: QueueDefinition, type: string): boolean {
    return new QueueSelection(queue, this.namespaces).wantsType(type, undefined);
  }

  /** Shared by all who ask at a time; one that failed is asked for again. */
  #groupsOf(topic: string): Promise<readonly string[]> {
    const known = this.#groups.get(topic);
    if (known !== undefined && Date.now() < known.until) return known.groups;
    const groups = this.groupsOf(topic);
    this.#groups.set(topic, { until: Date.now() + GROUPS_MS, groups });
    groups.catch(() => this.#groups.delete(topic));
    return groups;
  }
}

interface Named {
  name: string;
}

function namedInOrder(names: readonly string[]): Named[] {
  return [...new Set(names)].toSorted().map((name) => ({ name }));
}
