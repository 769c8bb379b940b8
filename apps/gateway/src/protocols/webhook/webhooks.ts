import { type EventLog, HeddleError, LOCAL_TENANT, uuidv7 } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { GatewayMetrics } from '../../metrics.js';
import type { DeliveryQueue } from '../../queues/delivery-queue.js';
import type { QueueSet } from '../../queues/queue-set.js';
import type { QueueStore, StoredQueue } from '../../queues/queue-store.js';
import type { QueueDefinition, RetrySchedule } from '../../queues/queue.js';
import { type WebhookDefinition, type WebhookRequest, type WebhookView, newSecret } from './webhook.js';
import { WebhookReceiver } from './webhook-receiver.js';

interface Member {
  webhook: WebhookDefinition;
  queue: DeliveryQueue;
  receiver: WebhookReceiver;
}

/** All webhooks: each brings a queue of its own, of the same name. */
export class Webhooks {
  #members = new Map<string, Member>();
  /** Changes come one after another, so that what is stored and what is at work never differ. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly eventLog: EventLog,
    private readonly store: QueueStore,
    private readonly queues: QueueSet,
    private readonly topics: () => readonly string[],
    private readonly retry: RetrySchedule,
    private readonly metrics: GatewayMetrics,
    private readonly log: Log,
  ) {}

  /** Puts a stored webhook back to work, from its stored progress. */
  resume({ queue, webhook, progress }: StoredQueue): void {
    if (webhook !== undefined) this.#add(webhook, { ...queue, retry: this.retry }, progress);
  }

  list(): WebhookView[] {
    return [...this.#members.values()].map((member) => this.#view(member));
  }

  /** @throws HeddleError `not-found` */
  get(name: string): WebhookView {
    return this.#view(this.#member(name));
  }

  /** Creates a webhook, or changes one: then its position stays. The answer comes when it is stored. */
  async put(name: string, request: WebhookRequest): Promise<{ created: boolean; view: WebhookView }> {
    return this.#inTurn(async () => {
      const member = this.#members.get(name);
      return member === undefined ? this.#create(name, request) : this.#change(member, request);
    });
  }

  /** @throws HeddleError `not-found` */
  async delete(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const member = this.#member(name);
      await this.store.deleteQueue(member.queue.definition);
      this.queues.remove(member.queue);
      this.#members.delete(name);
      await member.receiver.stop(0);
      this.log.info({ event: 'webhook-deleted', webhook: name }, 'webhook deleted');
    });
  }

  /** Events that are held and not yet settled, of all webhooks. */
  get held(): number {
    let held = 0;
    for (const { queue } of this.#members.values()) held += queue.statistics.held;
    return held;
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all([...this.#members.values()].map(({ receiver }) => receiver.stop(graceMs)));
  }

  async #create(name: string, request: WebhookRequest): Promise<{ created: boolean; view: WebhookView }> {
    const now = new Date().toISOString();
    const queue: QueueDefinition = {
      format: 1,
      tenant: LOCAL_TENANT,
      name,
      uuid: uuidv7(),
      types: request.types,
      order: 'key',
      retry: this.retry,
      start: await this.#start(request.start),
      createdAt: now,
    };
    const webhook: WebhookDefinition = {
      format: 1,
      tenant: LOCAL_TENANT,
      name,
      queue: name,
      url: request.url,
      contentMode: request.contentMode,
      secret: request.secret ?? newSecret(),
      createdAt: now,
      updatedAt: now,
    };
    await this.store.putQueue(queue, webhook);
    const member = this.#add(webhook, queue, []);
    this.queues.catchUp(member.queue);
    this.log.info(
      { event: 'webhook-created', webhook: name, types: queue.types, start: request.start },
      'webhook created',
    );
    return { created: true, view: { ...this.#view(member), secret: webhook.secret } };
  }

  async #change(member: Member, request: WebhookRequest): Promise<{ created: boolean; view: WebhookView }> {
    const webhook: WebhookDefinition = {
      ...member.webhook,
      url: request.url,
      contentMode: request.contentMode,
      secret: request.secret ?? member.webhook.secret,
      updatedAt: new Date().toISOString(),
    };
    const queue: QueueDefinition = { ...member.queue.definition, types: request.types };
    await this.store.putQueue(queue, webhook);
    member.webhook = webhook;
    member.queue.redefine(queue);
    member.receiver.redefine(webhook);
    this.log.info({ event: 'webhook-changed', webhook: webhook.name, types: queue.types }, 'webhook changed');
    return { created: false, view: this.#view(member) };
  }

  /** The offsets at which a new queue begins. Topics that appear later are read from their first event. */
  async #start(start: 'now' | 'earliest'): Promise<Record<string, number[]>> {
    const offsets: Record<string, number[]> = {};
    for (const topic of this.topics()) {
      const bounds = await this.eventLog.bounds(topic);
      offsets[topic] = bounds.map(({ earliest, end }) => (start === 'now' ? end : earliest));
    }
    return offsets;
  }

  #add(webhook: WebhookDefinition, definition: QueueDefinition, progress: StoredQueue['progress']): Member {
    const queue = this.queues.add(definition, progress, () => receiver.pump());
    const receiver = new WebhookReceiver(webhook, queue, this.metrics, this.log);
    const member = { webhook, queue, receiver };
    this.#members.set(webhook.name, member);
    return member;
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new HeddleError('not-found', `There is no webhook ${name}.`, { field: 'name' });
    return member;
  }

  #view({ webhook, queue, receiver }: Member): WebhookView {
    const { held, leased, waitingKeys, lost } = queue.statistics;
    return {
      name: webhook.name,
      url: webhook.url,
      types: queue.definition.types,
      contentMode: webhook.contentMode,
      createdAt: webhook.createdAt,
      updatedAt: webhook.updatedAt,
      delivery: { held, inFlight: leased, retryingKeys: waitingKeys, lostToRetention: lost, ...receiver.statistics },
    };
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(change, change);
    this.#changes = turn.catch(() => undefined);
    return turn;
  }
}
