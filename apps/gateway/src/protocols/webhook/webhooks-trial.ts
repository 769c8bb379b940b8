import { type StoredEvent, slotOf } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import type { EventType } from '@heddle/schema';
import { loopbackNetwork } from '../../network/network-trial.js';
import type { DeliveryQueue } from '../../queues/delivery-queue.js';
import type { QueueDefinition } from '../../queues/queue.js';
import type { MadeRequest } from './request-maker.js';
import { Samples } from './samples.js';
import { versionCheck } from './version-check.js';
import type { WebhookOperation } from './webhook-ports.js';
import type { WebhookDefinition } from './webhook.js';
import { webhookShape } from './webhook.shape.js';
import { Webhooks } from './webhooks.js';

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
  webhooks: Webhooks;

  constructor(private readonly network = loopbackNetwork()) {
    this.webhooks = this.#open();
  }

  put(name: string, body: object, conditions: Record<string, string> = {}) {
    return this.webhooks.put(name, webhookShape.parse(body), versionCheck(conditions));
  }

  /** As after a restart: nothing is at work any more. */
  reopen(): void {
    this.webhooks.close();
    this.atWork = new Map();
    this.webhooks = this.#open();
  }

  /** As an instance does that is given the slot of a webhook which another one stored. */
  takeOver(webhook: WebhookDefinition): void {
    this.stored.set(webhook.name, webhook);
    this.atWork.set(webhook.queue, queueAtWork());
    this.webhooks.onTaken({ slot: slotOf(webhook.tenant, webhook.queue) });
  }

  #open(): Webhooks {
    const entry = { type: TYPE, topic: 'thing', object: 'thing', key: 'Thing', schemaId: 1, example: { Thing: 'T1' } };
    const samples = new Samples(
      { list: () => [entry as EventType], find: async () => entry as EventType },
      async (id) => (id === 'e1' ? storedEvent(id) : undefined),
    );
    return new Webhooks({
      safe: {
        putQueue: async (queue, webhook) => {
          if (this.isLogAway) throw new Error('the log is away');
          this.queues.set(queue.name, queue);
          if (webhook !== undefined) this.stored.set(webhook.name, webhook);
        },
        putWebhook: async (webhook) => void this.stored.set(webhook.name, webhook),
        deleteQueue: async (queue, gone) => {
          this.queues.delete(queue.name);
          for (const { name } of gone ?? []) this.stored.delete(name);
        },
        deleteWebhook: async ({ name }) => void this.stored.delete(name),
        webhook: (_tenant, name) => this.stored.get(name),
        webhooks: () => [...this.stored.values()],
        caughtUp: async () => undefined,
        inSlot: (slot) => [...this.stored.values()].filter(({ tenant, queue }) => slotOf(tenant, queue) === slot),
        isToBeSealed: () => false,
        onKey: () => undefined,
      },
      queues: {
        find: (name) => this.queues.get(name),
        atWork: (name) => this.atWork.get(name),
        begin: (queue) => {
          this.atWork.set(queue.name, queueAtWork());
          return this.atWork.get(queue.name)!;
        },
        redefine: () => undefined,
        drop: (name) => void this.atWork.delete(name),
        defineOwn: async (name, settings, before) => ({
          ...(before ?? queueOf(name, true, [])),
          types: settings.types ?? [],
          shape: settings.shape ?? 'notify',
        }),
      },
      receivers: {
        apply: (webhook) => void this.working.set(webhook.name, webhook),
        remove: async ({ name }) => void this.working.delete(name),
        statistics: () => undefined,
        attempt: async (_webhook, request) => {
          this.sent.push(request);
          const status = this.statuses.shift() ?? 204;
          return { ...OUTCOME, status, ...(status < 300 ? {} : { excerpt: 'busy' }) };
        },
      },
      samples,
      network: this.network,
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
export function queueOf(name: string, implicit: boolean, types: string[]): QueueDefinition {
  return { name, implicit, types } as QueueDefinition;
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
