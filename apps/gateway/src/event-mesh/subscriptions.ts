import { type Caller, Permissions } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { readShape } from '@heddle/runtime';
import type { Namespaces } from '../messages/namespaces.js';
import { versionCheck } from '../management/version-check.js';
import type { WebhookView } from '../protocols/webhook/webhook-view.js';
import { type Subscription, checkWebhookName } from '../protocols/webhook/webhook.js';
import { webhookShape } from '../protocols/webhook/webhook.shape.js';
import type { Webhooks } from '../protocols/webhook/webhooks.js';
import {
  type WebhookAsked,
  authOf,
  shownSecurity,
  statusOf,
  webhookOfEvents,
  webhookOfMessaging,
} from './subscription-mapping.js';
import type { EventsSubscription, MessagingSubscription, SecuritySchema } from './subscription.shape.js';

export interface SubscriptionsParts {
  webhooks: Pick<Webhooks, 'list' | 'get' | 'put' | 'delete' | 'pause' | 'resume' | 'handshake'>;
  namespaces: Namespaces;
  /** By which receivers that are asked for their consent know us: a DNS name. */
  origin: string;
}

/** A subscription as it is shown. */
export type SubscriptionView = { name: string } & Record<string, unknown>;

type Door = Subscription['door'];

/** Only what is not there yet is made. */
const NEW = versionCheck({ 'if-none-match': '*' });

/**
 * Webhooks as the subscriptions of SAP Event Mesh. One belongs to the client that made it: that one sees it and may do
 * with it what there is to do, and so may whoever manages queues of its name. To make one it takes the right to consume
 * what it delivers.
 */
export class Subscriptions {
  constructor(private readonly parts: SubscriptionsParts) {}

  list(caller: Caller, door: Door): SubscriptionView[] {
    return this.parts.webhooks
      .list(everything(caller))
      .filter(({ subscription, name }) => subscription?.door === door && isOf(caller, subscription, name))
      .map((view) => shown(view));
  }

  /** @throws HeddleError `not-found`, also for those of others */
  get(caller: Caller, door: Door, name: string): SubscriptionView {
    return shown(this.#own(caller, door, name));
  }

  /** @throws HeddleError `conflict` when there is one of this name, or a queue that stands in the way */
  async createMessaging(caller: Caller, subscription: MessagingSubscription): Promise<SubscriptionView> {
    const { pushConfig, ...rest } = subscription;
    const { securitySchema, ...config } = pushConfig;
    const asked = {
      ...rest,
      pushConfig: {
        ...config,
        ...(securitySchema === undefined ? {} : { securitySchema: shownSecurity(securitySchema) }),
      },
    };
    return this.#create(caller, 'messaging', asked, webhookOfMessaging(subscription, this.parts.origin));
  }

  /** The same. */
  async createEvents(caller: Caller, subscription: EventsSubscription): Promise<SubscriptionView> {
    const { webhookAuth, ...rest } = subscription;
    const asked = { ...rest, ...(webhookAuth === undefined ? {} : { webhookAuth: shownSecurity(webhookAuth) }) };
    const namespace = this.parts.namespaces.of(caller.tenant);
    return this.#create(caller, 'events', asked, webhookOfEvents(subscription, this.parts.origin, namespace));
  }

  /** Changes the credentials, and nothing else. */
  async changeAuth(caller: Caller, name: string, webhookAuth: SecuritySchema): Promise<SubscriptionView> {
    const before = this.#own(caller, 'events', name);
    const subscription = before.subscription!;
    const asked = { ...subscription.asked, webhookAuth: shownSecurity(webhookAuth) };
    const { types, queue: _own, url, contentMode, delivery, handshake } = before;
    const request: WebhookAsked = {
      ...webhookOfEvents(
        subscription.asked as unknown as EventsSubscription,
        handshake.origin ?? this.parts.origin,
        this.parts.namespaces.of(caller.tenant),
      ),
      types,
      url,
      contentMode,
      delivery,
      auth: authOf(webhookAuth),
    };
    const { view } = await this.parts.webhooks.put(caller, name, readShape(webhookShape, request), undefined, {
      ...subscription,
      asked,
    });
    return shown(view);
  }

  async delete(caller: Caller, door: Door, name: string): Promise<void> {
    this.#own(caller, door, name);
    await this.parts.webhooks.delete(caller, name);
  }

  /** A paused subscription keeps its events; resuming also ends a standstill that the endpoint asked for. */
  async setState(caller: Caller, door: Door, name: string, action: 'pause' | 'resume'): Promise<void> {
    this.#own(caller, door, name);
    await this.parts.webhooks[action](caller, name);
  }

  async handshake(caller: Caller, door: Door, name: string): Promise<void> {
    const { handshake } = this.#own(caller, door, name);
    if (handshake.state === 'exempt') return;
    await this.parts.webhooks.handshake(caller, name);
  }

  async #create(caller: Caller, door: Door, asked: { name: string }, webhook: WebhookAsked): Promise<SubscriptionView> {
    const name = checkWebhookName(asked.name);
    const request = readShape(webhookShape, webhook);
    const subscription = { door, client: caller.client, asked };
    try {
      const { view } = await this.parts.webhooks.put(caller, name, request, NEW, subscription);
      return shown(view);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      if (error.code === 'not-found' && request.queue !== undefined) {
        throw new HeddleError('not-found', `There is no queue ${request.queue}.`, { field: 'address' });
      }
      if (error.code !== 'precondition-failed') throw error;
      throw new HeddleError('conflict', `There is a subscription, or another webhook, named ${name} already.`, {
        field: 'name',
      });
    }
  }

  #own(caller: Caller, door: Door, name: string): WebhookView {
    const view = this.#view(caller, checkWebhookName(name));
    const subscription = view?.subscription;
    if (view !== undefined && subscription?.door === door && isOf(caller, subscription, name)) return view;
    // In the same words whether there is none, or one of somebody else.
    throw new HeddleError('not-found', `There is no subscription ${name}.`, { field: 'name' });
  }

  #view(caller: Caller, name: string): WebhookView | undefined {
    try {
      return this.parts.webhooks.get(everything(caller), name).view;
    } catch (error) {
      if (error instanceof HeddleError && error.code === 'not-found') return undefined;
      throw error;
    }
  }
}

/** Whether a subscription is somebody's, or to be managed by them. */
function isOf(caller: Caller, { client }: Subscription, name: string): boolean {
  return client === caller.client || caller.permissions.allows('manage', 'queue', name);
}

const ALL = Permissions.of(['*']);

/** Sees every webhook of the tenant: whose it is, which is asked next, is said by the webhook alone. */
function everything(caller: Caller): Caller {
  return { ...caller, permissions: ALL };
}

function shown(view: WebhookView): SubscriptionView {
  return { name: view.name, ...view.subscription?.asked, ...statusOf(view) };
}
