import { setTimeout as delay } from 'node:timers/promises';
import { type Caller, Permissions } from '@heddle/auth';
import { HeddleError, slotOf } from '@heddle/event';
import type { QueueDirectory } from '../../queues/queue-directory.js';
import { queueShape } from '../../queues/queue.shape.js';
import type { Queues } from '../../queues/queues.js';
import { shareQueue } from './session-name.js';
import type { GroupChange } from './share.shape.js';
import { type Wanted, readFilter } from './topic-filters.js';

export interface ShareParts {
  queues: Pick<Queues, 'put' | 'delete' | 'find' | 'atWork'>;
  directory: Pick<QueueDirectory, 'queues' | 'caughtUp'>;
  /**
   * Asks the instance that works on a queue for something.
   *
   * @throws HeddleError `queue-elsewhere` when nobody does now; `conflict` with its refusal
   */
  ask(tenant: string, queue: string, path: string, body: GroupChange): Promise<void>;
}

type Shared = Extract<Wanted, { kind: 'shared' }>;

/** A group of sessions of one client. */
export interface Group {
  tenant: string;
  client: string;
  group: string;
  filter: string;
}

/** How often, and for how many times, it is looked whether a group has a member left. */
const LOOK_MS = 100;
const MAX_LOOKS = 20;

/**
 * The queues of groups that share a subscription: made by the first member, and gone with the last. A queue is made and
 * deleted where it is at work, wherever its members are.
 */
export class ShareQueues {
  constructor(private readonly parts: ShareParts) {}

  /**
   * The name of the queue of a group, which is there then.
   *
   * @throws HeddleError `permission-missing`, `quota-exceeded`, `queue-elsewhere` while nobody works on it
   */
  async ensure(caller: Caller, { group, filter }: Pick<Shared, 'group' | 'filter'>): Promise<string> {
    const { tenant, client, namespace, permissions } = caller;
    const name = shareQueue(client, group, filter);
    if (this.parts.queues.find(tenant, name) !== undefined) return name;
    try {
      await this.#make(caller, { group, filter });
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      await this.#ask(tenant, name, {
        what: 'join',
        ...{ client, group, filter, namespace },
        permissions: [...permissions.texts],
      });
    }
    return name;
  }

  /**
   * A session is not a member any more; without any, what the group has not had yet is not wanted by anybody.
   *
   * @param session the name of its queue, when it was one
   */
  async left(of: Group, session?: string): Promise<void> {
    const { tenant, client, group, filter } = of;
    const name = shareQueue(client, group, filter);
    if (session !== undefined) await this.parts.directory.caughtUp(slotOf(tenant, session));
    if (this.parts.queues.find(tenant, name) === undefined || this.#isWanted(of)) return;
    try {
      await this.parts.queues.delete({ tenant }, name);
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      await this.#ask(tenant, name, { what: 'leave', client, group, filter });
    }
  }

  /**
   * What another instance asks for, which has heard of its sessions before this one.
   *
   * @throws HeddleError `permission-missing`, `quota-exceeded`, `queue-elsewhere` when the queue is not at work here
   */
  async change(tenant: string, change: GroupChange): Promise<void> {
    const { client, group, filter } = change;
    if (change.what === 'leave') {
      await this.#leave({ tenant, client, group, filter });
      return;
    }
    const { namespace, permissions } = change;
    const now = Date.now();
    const caller = { tenant, namespace, client, permissions: Permissions.of(permissions) };
    await this.#make({ ...caller, expiresAt: now, grantedAt: now }, { group, filter });
  }

  /** That its last member is gone may be known there before it is here. */
  async #leave(of: Group): Promise<void> {
    const name = shareQueue(of.client, of.group, of.filter);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      if (this.parts.queues.atWork(of.tenant, name) === undefined) return;
      if (!this.#isWanted(of)) {
        await this.parts.queues.delete({ tenant: of.tenant }, name);
        return;
      }
      await delay(LOOK_MS);
    }
  }

  async #make(caller: Caller, { group, filter }: Pick<Shared, 'group' | 'filter'>): Promise<void> {
    const wanted = readFilter(filter);
    const topicPatterns = wanted.kind === 'topics' ? [...wanted.patterns] : [];
    const request = queueShape.parse({ types: [], topicPatterns, order: 'none', leaseMs: 60_000 });
    const session = { protocol: 'mqtt-share' as const, client: caller.client, group, filter };
    await this.parts.queues.put(caller, shareQueue(caller.client, group, filter), request, undefined, { session });
  }

  #ask(tenant: string, name: string, change: GroupChange): Promise<void> {
    return this.parts.ask(tenant, name, `/v1/tenants/${tenant}/queues/${encodeURIComponent(name)}/group`, change);
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

function isElsewhere(error: unknown): boolean {
  return error instanceof HeddleError && error.code === 'queue-elsewhere';
}
