import type { Caller } from '@heddle/auth';
import { HeddleError, topicPatternProblem } from '@heddle/event';
import { entityTag, readShape } from '@heddle/runtime';
import type { Limits } from '../limits/limits.js';
import { versionCheck } from '../management/version-check.js';
import type { Webhooks } from '../protocols/webhook/webhooks.js';
import type { QueueDirectory } from '../queues/queue-directory.js';
import type { QueueView } from '../queues/queue-view.js';
import { checkQueueName, queueShape } from '../queues/queue.shape.js';
import type { Queues } from '../queues/queues.js';
import { type QueueAsked, askedOf, countsOf, managedView, sameAs } from './managed-queue.js';
import type { ManagedQueueRequest, ManagedQueueView, QueueSubscription } from './managed-queue.shape.js';

export interface ManagedQueuesParts {
  queues: Pick<Queues, 'list' | 'get' | 'put' | 'delete' | 'find'>;
  webhooks: Pick<Webhooks, 'list'>;
  /** Of all there are of a tenant. */
  directory: Pick<QueueDirectory, 'queues' | 'webhooks'>;
  limits: Limits;
}

/** Several clients may subscribe one queue at once, each reading it before it changes it. */
const MAX_TRIES = 50;

/** Our queues, made and changed as those of SAP Event Mesh are. */
export class ManagedQueues {
  constructor(private readonly parts: ManagedQueuesParts) {}

  list(caller: Caller): ManagedQueueView[] {
    return this.parts.queues.list(caller).map(managedView);
  }

  get(caller: Caller, name: string): ManagedQueueView {
    return managedView(this.#view(caller, name));
  }

  /** Makes a queue, or changes what is named of it. */
  async put(
    caller: Caller,
    name: string,
    request: ManagedQueueRequest,
  ): Promise<{ created: boolean; view: ManagedQueueView }> {
    const { deadMsgQueue = '' } = request;
    if (deadMsgQueue !== '' && this.parts.queues.find(caller.tenant, deadMsgQueue) === undefined) {
      throw new HeddleError('not-found', `There is no queue ${deadMsgQueue} for what is given up: make it first.`, {
        field: 'deadMsgQueue',
      });
    }
    const { created, view } = await this.#change(caller, name, (before) => askedOf(before, request));
    return { created, view: managedView(view) };
  }

  async delete(caller: Caller, name: string): Promise<void> {
    await this.parts.queues.delete(caller, checkQueueName(name));
  }

  subscriptions(caller: Caller, queueName: string): QueueSubscription[] {
    const { topicPatterns = [] } = this.#view(caller, queueName);
    return topicPatterns.map((topicPattern) => ({ queueName, topicPattern }));
  }

  /** @throws HeddleError `parameter-invalid`, `not-found` for a queue that is not there, `permission-missing` */
  async subscribe(caller: Caller, queueName: string, topicPattern: string): Promise<boolean> {
    const problem = topicPatternProblem(topicPattern);
    if (problem !== undefined) {
      throw new HeddleError('parameter-invalid', `The topic pattern ${topicPattern} ${problem}.`, {
        field: 'topicPattern',
      });
    }
    let isNew = false;
    await this.#change(caller, queueName, (before) => {
      const { topicPatterns = [] } = present(before, queueName);
      isNew = !topicPatterns.includes(topicPattern);
      return { ...sameAs(before!), topicPatterns: isNew ? [...topicPatterns, topicPattern] : topicPatterns };
    });
    return isNew;
  }

  /** @throws HeddleError `not-found` for a queue, or a subscription of it, that is not there */
  async unsubscribe(caller: Caller, queueName: string, topicPattern: string): Promise<void> {
    await this.#change(caller, queueName, (before) => {
      const { topicPatterns = [] } = present(before, queueName);
      if (!topicPatterns.includes(topicPattern)) {
        throw new HeddleError('not-found', `The queue ${queueName} does not subscribe to ${topicPattern}.`, {
          field: 'topicPattern',
        });
      }
      return { ...sameAs(before!), topicPatterns: topicPatterns.filter((one) => one !== topicPattern) };
    });
  }

  /** How much is in each queue that somebody may know of, or in one. */
  counts(caller: Caller, name?: string): object[] {
    const views = name === undefined ? this.parts.queues.list(caller) : [this.#view(caller, name)];
    return views.map((view) => ({ name: view.name, ...countsOf(view) }));
  }

  /** How much there is in all of them together. */
  instance(caller: Caller): object {
    const all = this.parts.queues.list(caller);
    const sum = (of: keyof ReturnType<typeof countsOf>): number =>
      all.reduce((total, view) => total + (countsOf(view)[of] ?? 0), 0);
    return {
      queueCount: all.length,
      webhookCount: this.parts.webhooks.list(caller).length,
      messageCount: sum('messageCount'),
      queueSizeInBytes: sum('queueSizeInBytes'),
      unacknowledgedMessageCount: sum('unacknowledgedMessageCount'),
    };
  }

  /** What a tenant has, and may have. */
  resources({ tenant }: Caller): object {
    const { directory, limits } = this.parts;
    const { limitTenantQueues, limitTenantWebhooks } = limits.values;
    return {
      queues: { used: directory.queues(tenant).length, limit: limitTenantQueues },
      webhooks: { used: directory.webhooks(tenant).length, limit: limitTenantWebhooks },
    };
  }

  #view(caller: Caller, name: string): QueueView {
    return this.parts.queues.get(caller, checkQueueName(name));
  }

  /** Reads, changes and stores a definition, again where somebody else was faster: nobody's change gets lost. */
  async #change(
    caller: Caller,
    name: string,
    change: (before: QueueView | undefined) => QueueAsked,
  ): Promise<{ created: boolean; view: QueueView }> {
    const { queues } = this.parts;
    checkQueueName(name);
    for (let tries = 1; ; tries += 1) {
      const before = queues.find(caller.tenant, name) === undefined ? undefined : queues.get(caller, name);
      const check = versionCheck(
        before === undefined ? { 'if-none-match': '*' } : { 'if-match': entityTag(before.version) },
      );
      const request = readShape(queueShape, change(before));
      try {
        return await queues.put(caller, name, request, check);
      } catch (error) {
        const wasFaster = error instanceof HeddleError && error.code === 'precondition-failed';
        if (!wasFaster || tries >= MAX_TRIES) throw error;
      }
    }
  }
}

/** @throws HeddleError `not-found` */
function present(view: QueueView | undefined, name: string): QueueView {
  if (view !== undefined) return view;
  throw new HeddleError('not-found', `There is no queue ${name}.`, { field: 'queue' });
}
