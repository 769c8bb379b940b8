import { LOCAL_TENANT, type StoredEvent, slotOf } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import type { EventType } from '@heddle/schema';
import { callerFor } from '../../identity/identity-trial.js';
import { Namespaces } from '../../messages/namespaces.js';
import { loopbackNetwork } from '../../network/network-trial.js';
import type { DeliveryQueue } from '../../queues/delivery-queue.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { MadeRequest } from './request-maker.js';
import { Samples } from './samples.js';
import { versionCheck } from '../../management/version-check.js';
import type { WebhookOperation } from './webhook-ports.js';
import type { WebhookDefinition } from './webhook.js';
import { webhookShape } from './webhook.shape.js';
import { Webhooks } from './webhooks.js';

/** Whoever may do everything in the local tenant. */
export const ADMIN = callerFor();
export const TYPE = 'heddle.thing.v1.Thing.Made.v1';
export const VALID = { types: ['heddle.thing.*'], url: 'https://receiver.test/hook' };

const OUTCOME = { sent: true, retryAfterMs: 0, connectMs: undefined, firstByteMs: 1, totalMs: 1.23 };

/** The management of webhooks by itself: what it stores and sets to work is kept here to be looked at. */
export class WebhooksTrial {
  readonly queues = new Map<string, QueueDefinition>();
  /** What is stored, by name. */
  readonly stored = new Map<string, WebhookDefinition>();
  /** What is delivered to, by name. */
  readonly working = new Map<string, WebhookDefinition>();
  atWork = new Map<string, DeliveryQueue>();
  readonly operations: WebhookOperation[] = [];
  readonly sent: MadeRequest[] = [];
  /** What the receiver answers to tests, in turn; then 204. */
  readonly statuses: number[] = [];
  isLogAway = false;
  /** Who puts webhooks: whoever may do everything in the local tenant. */
  caller = ADMIN;
  webhooks: Webhooks;

  constructor(private readonly network = loopbackNetwork()) {
    this.webhooks = this.#open();
  }

  put(name: string, body: object, conditions: Record<string, string> = {}) {
    return this.webhooks.put(this.caller, name, webhookShape.parse(body), versionCheck(conditions));
  }

  /** As after a restart: nothing is at work any more. */
  reopen(): void {
    this.webhooks.close();
    this.atWork = new Map();
    this.webhooks = this.#open();
  }

  /** As an instance does that is given the slot of a webhook which another one stored. */
  takeOver(webhook: WebhookDefinition): void {
    const { tenant, queue } = webhook;
    this.stored.set(storedAs(webhook), webhook);
    this.atWork.set(storedAs({ tenant, name: queue }), queueAtWork());
    this.webhooks.onTaken({ slot: slotOf(tenant, queue) });
  }

  #open(): Webhooks {
    const entry = { type: TYPE, topic: 'thing', object: 'thing', key: 'Thing', schemaId: 1, example: { Thing: 'T1' } };
    const samples = new Samples(
      { list: () => [entry as EventType], find: async () => entry as EventType },
      async (tenant, id) => (tenant === LOCAL_TENANT && id === 'e1' ? storedEvent(id) : undefined),
      (_caller, event) => event,
    );
    return new Webhooks({
      safe: {
        putQueue: async (queue, webhook) => {
          if (this.isLogAway) throw new Error('the log is away');
          this.queues.set(storedAs(queue), queue);
          if (webhook !== undefined) this.stored.set(storedAs(webhook), webhook);
        },
        putWebhook: async (webhook) => void this.stored.set(storedAs(webhook), webhook),
        deleteQueue: async (queue, gone) => {
          this.queues.delete(storedAs(queue));
          for (const webhook of gone ?? []) this.stored.delete(storedAs(webhook));
        },
        deleteWebhook: async (webhook) => void this.stored.delete(storedAs(webhook)),
        webhook: (tenant, name) => this.stored.get(storedAs({ tenant, name })),
        webhooks: (tenant) => [...this.stored.values()].filter((webhook) => webhook.tenant === tenant),
        caughtUp: async () => undefined,
        inSlot: (slot) => [...this.stored.values()].filter(({ tenant, queue }) => slotOf(tenant, queue) === slot),
        isToBeSealed: () => false,
        onKey: () => undefined,
      },
      queues: {
        find: (tenant, name) => this.queues.get(storedAs({ tenant, name })),
        atWork: (tenant, name) => this.atWork.get(storedAs({ tenant, name })),
        begin: (queue) => {
          this.atWork.set(storedAs(queue), queueAtWork());
          return this.atWork.get(storedAs(queue))!;
        },
        redefine: () => undefined,
        drop: (tenant, name) => void this.atWork.delete(storedAs({ tenant, name })),
        defineOwn: async ({ tenant }, name, settings, before) => ({
          ...(before ?? queueOf(name, true, [], tenant)),
          types: settings.types ?? [],
          shape: settings.shape ?? 'notify',
        }),
      },
      receivers: {
        apply: (webhook) => void this.working.set(storedAs(webhook), webhook),
        remove: async (webhook) => void this.working.delete(storedAs(webhook)),
        statistics: () => undefined,
        attempt: async (_webhook, request) => {
          this.sent.push(request);
          const status = this.statuses.shift() ?? 204;
          return { ...OUTCOME, status, ...(status < 300 ? {} : { excerpt: 'busy' }) };
        },
      },
      samples,
      network: this.network,
      namespaces: new Namespaces(),
      onOperation: (operation) => this.operations.push(operation),
      baseUrl: 'http://gateway.test',
      log: createLog('test', 'silent'),
    });
  }
}

/** Nothing looks into it here. */
export function queueAtWork(): DeliveryQueue {
  return {} as DeliveryQueue;
}

/** As much of a definition as the management looks at. */
export function queueOf(
  name: string,
  implicit: boolean,
  types: string[],
  tenant: string = LOCAL_TENANT,
): QueueDefinition {
  return { tenant, name, implicit, types } as QueueDefinition;
}

/** Names of others than the local tenant have it in front. */
function storedAs({ tenant, name }: { tenant: string; name: string }): string {
  return tenant === LOCAL_TENANT ? name : `${tenant}/${name}`;
}

function storedEvent(id: string): StoredEvent {
  const attributes = { id, source: '/thing', type: TYPE, subject: 'T1' };
  return {
    topic: 'thing',
    partition: 0,
    offset: 3,
    key: 'T1',
    appendedAt: 0,
    value: new Uint8Array(0),
    data: {},
    attributes,
  };
}

/** The headers of a request by their names in lower case. */
export function headersOf({ headers }: MadeRequest): Record<string, string> {
  return Object.fromEntries(
    headers.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), headers[at + 1] ?? '']] : [])),
  ) as Record<string, string>;
}
