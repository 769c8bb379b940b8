import type { Log } from '@heddle/runtime';
import { type Attempt, Endpoint, judge } from '../../deliver.js';
import type { GatewayMetrics } from '../../metrics.js';
import type { DeliveryQueue, Lease } from '../../queues/delivery-queue.js';
import { Signer, messageId } from './signature.js';
import type { WebhookDefinition } from './webhook.js';
import { binaryForm, binaryHeaders, structuredForm } from './webhook.frames.js';

/** Deliveries to one webhook at the same time, each over a connection of its own. */
const MAX_IN_FLIGHT = 64;

/** Takes leases from a queue and makes an attempt with each; the outcome settles the lease. */
export class WebhookReceiver {
  #definition: WebhookDefinition;
  #endpoint: Endpoint;
  #signer: Signer;
  #target: URL;
  #inFlight = new Set<Promise<void>>();
  #stopped = false;
  #delivered = 0;
  #failedAttempts = 0;
  #lastStatus: string | undefined;
  #lastAttemptAt: string | undefined;

  constructor(
    definition: WebhookDefinition,
    private readonly queue: DeliveryQueue,
    private readonly metrics: GatewayMetrics,
    private readonly log: Log,
  ) {
    this.#definition = definition;
    this.#target = new URL(definition.url);
    this.#endpoint = new Endpoint(this.#target.origin, MAX_IN_FLIGHT);
    this.#signer = new Signer(definition.secret);
  }

  /** Goes on with a changed definition; attempts under way end as they began. */
  redefine(definition: WebhookDefinition): void {
    const target = new URL(definition.url);
    if (target.origin !== this.#target.origin) {
      const old = this.#endpoint;
      this.#endpoint = new Endpoint(target.origin, MAX_IN_FLIGHT);
      void Promise.allSettled(this.#inFlight).then(() => old.close());
    }
    this.#target = target;
    this.#definition = definition;
    this.#signer = new Signer(definition.secret);
  }

  /** Delivers whatever can be leased, as far as the limit of attempts at once allows. */
  pump(): void {
    while (!this.#stopped && this.#inFlight.size < MAX_IN_FLIGHT) {
      const lease = this.queue.acquire();
      if (lease === undefined) return;
      const delivery = this.#deliver(lease).finally(() => {
        this.#inFlight.delete(delivery);
        this.pump();
      });
      this.#inFlight.add(delivery);
    }
  }

  get statistics(): { delivered: number; failedAttempts: number; lastStatus?: string; lastAttemptAt?: string } {
    return {
      delivered: this.#delivered,
      failedAttempts: this.#failedAttempts,
      ...(this.#lastStatus === undefined ? {} : { lastStatus: this.#lastStatus }),
      ...(this.#lastAttemptAt === undefined ? {} : { lastAttemptAt: this.#lastAttemptAt }),
    };
  }

  /** Leases nothing more, gives attempts under way some time to end, then cuts them off: they are repeated later. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.allSettled(this.#inFlight), grace]);
    clearTimeout(timer);
    await this.#endpoint.close();
  }

  async #deliver(lease: Lease): Promise<void> {
    const outcome = await this.#endpoint.attempt(this.#request(lease));
    const { stored } = lease.event;
    const verdict = judge(outcome);
    const result = verdict.done ? 'delivered' : 'failed';
    this.metrics.attempts.inc({ outcome: result });
    this.metrics.attemptSeconds.observe(outcome.ms / 1000);
    this.#lastAttemptAt = new Date().toISOString();
    const line = {
      event: `webhook-${result}`,
      webhook: this.#definition.name,
      id: stored.attributes.id,
      type: stored.attributes.type,
      key: stored.key,
      attempt: lease.attempt,
      ms: Math.round(outcome.ms * 10) / 10,
    };
    if (verdict.done) {
      this.#delivered += 1;
      this.#lastStatus = outcome.kind === 'status' ? `status ${outcome.status}` : undefined;
      this.queue.accept(lease);
      this.metrics.deliverySeconds.observe((Date.now() - stored.appendedAt) / 1000);
      this.log.debug(line, 'delivered');
      return;
    }
    this.#failedAttempts += 1;
    this.#lastStatus = verdict.reason;
    const { dueAt } = this.queue.release(lease, verdict.notBeforeMs);
    this.log.warn({ ...line, reason: verdict.reason, retryAt: new Date(dueAt).toISOString() }, 'attempt failed');
  }

  #request(lease: Lease): Attempt {
    const { event, attempt, redelivery } = lease;
    const binary = this.#definition.contentMode === 'binary';
    const body = event.as(binary ? binaryForm : structuredForm);
    const id = messageId(event.stored.attributes.id);
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = binary ? binaryHeaders(event) : ['content-type', 'application/cloudevents+json; charset=utf-8'];
    headers.push(
      'webhook-id',
      id,
      'webhook-timestamp',
      String(timestamp),
      'webhook-signature',
      this.#signer.sign(id, timestamp, body),
      'heddle-webhook',
      this.#definition.name,
      'heddle-attempt',
      String(attempt),
      'heddle-redelivery',
      redelivery,
      'user-agent',
      'heddle/0.1',
    );
    return { path: this.#target.pathname + this.#target.search, headers, body };
  }
}
