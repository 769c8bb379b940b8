import type { Caller } from '@heddle/auth';
import { slotOf } from '@heddle/event';
import type { QueueDirectory } from '../../queues/queue-directory.js';
import { queueShape } from '../../queues/queue.shape.js';
import type { Queues } from '../../queues/queues.js';
import { shareQueue } from './session-name.js';
import type { Wanted } from './topic-filters.js';

export interface ShareParts {
  queues: Pick<Queues, 'put' | 'delete' | 'find' | 'atWork'>;
  directory: Pick<QueueDirectory, 'queues' | 'caughtUp'>;
}

type Shared = Extract<Wanted, { kind: 'shared' }>;

/** A group of sessions of one client. */
export interface Group {
  tenant: string;
  client: string;
  group: string;
  filter: string;
}

/** The queues of groups that share a subscription: made by the first member, and gone with the last. */
export class ShareQueues {
  constructor(private readonly parts: ShareParts) {}

  /**
   * The name of the queue of a group, which is there then.
   *
   * @throws HeddleError `permission-missing`, `quota-exceeded`, `queue-elsewhere`
   */
  async ensure(caller: Caller, { group, filter, patterns }: Shared): Promise<string> {
    const name = shareQueue(caller.client, group, filter);
    if (this.parts.queues.find(caller.tenant, name) !== undefined) return name;
    const request = queueShape.parse({ types: [], topicPatterns: [...patterns], order: 'none', leaseMs: 60_000 });
    const session = { protocol: 'mqtt-share' as const, client: caller.client, group, filter };
    await this.parts.queues.put(caller, name, request, undefined, { session });
    return name;
  }

  /**
   * A session is not a member any more; without any, what the group has not had yet is not wanted by anybody.
   *
   * @param session the name of its queue, when it was one
   */
  async left({ tenant, client, group, filter }: Group, session?: string): Promise<void> {
    const name = shareQueue(client, group, filter);
    const { queues, directory } = this.parts;
    if (queues.atWork(tenant, name) === undefined) return;
    if (session !== undefined) await directory.caughtUp(slotOf(tenant, session));
    if (this.#isWanted({ tenant, client, group, filter })) return;
    await queues.delete({ tenant }, name);
  }

  /** Whether a session, here or elsewhere, is a member. */
  #isWanted({ tenant, client, group, filter }: Group): boolean {
    const asked = `$share/${group}/${filter}`;
    return this.parts.directory
      .queues(tenant)
      .some(
        ({ session }) =>
          session?.protocol === 'mqtt' &&
          session.client === client &&
          session.subscriptions.some((subscription) => subscription.filter === asked),
      );
  }
}
