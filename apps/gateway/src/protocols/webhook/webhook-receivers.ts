import { type AttemptOutcome, Endpoint } from '../../deliver.js';
import type { DeliveryQueue } from '../../queues/delivery-queue.js';
import { tlsIdentity } from './credentials.js';
import type { MadeRequest } from './request-maker.js';
import { Redaction } from './redaction.js';
import { type ReceiverParts, WebhookReceiver } from './webhook-receiver.js';
import type { WebhookStatistics } from './webhook-view.js';
import { type WebhookDefinition, nameOf } from './webhook.js';

interface Member {
  receiver: WebhookReceiver;
  queue: DeliveryQueue;
  stopListening: () => void;
}

/** The receivers at work at this instance, each on the queue of its webhook. */
export class WebhookReceivers {
  readonly #members = new Map<string, Member>();

  constructor(private readonly parts: ReceiverParts) {}

  /** Begins, or goes on with a changed definition. */
  apply(webhook: WebhookDefinition, queue: DeliveryQueue): void {
    const known = this.#members.get(nameOf(webhook));
    if (known?.queue === queue) return known.receiver.redefine(webhook);
    if (known !== undefined) void this.remove(webhook);
    const receiver = new WebhookReceiver(webhook, queue, this.parts);
    this.#members.set(nameOf(webhook), {
      receiver,
      queue,
      stopListening: queue.onAvailable(() => receiver.pump()),
    });
    receiver.pump();
  }

  /** Ends a receiver; attempts under way are cut off, and repeated by whoever works on the queue next. */
  async remove(webhook: WebhookDefinition): Promise<void> {
    const name = nameOf(webhook);
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    member.stopListening();
    await member.receiver.stop(0);
  }

  statistics(webhook: WebhookDefinition): WebhookStatistics | undefined {
    const member = this.#members.get(nameOf(webhook));
    if (member === undefined) return undefined;
    const { ready, leased, waiting } = member.queue.statistics;
    return { held: ready + leased + waiting, ...member.receiver.statistics };
  }

  /** Makes one request beside all queues and limits, over a connection of its own. */
  async attempt(definition: WebhookDefinition, request: MadeRequest): Promise<AttemptOutcome> {
    const { delivery, auth, url } = definition;
    const { timeoutMs } = delivery;
    const { network } = this.parts;
    const redaction = new Redaction(definition);
    const redact = (excerpt: string): string => redaction.of(excerpt, request.token);
    const endpoint = new Endpoint(new URL(url).origin, { timeoutMs, tls: tlsIdentity(auth), network, redact });
    const outcome = await new Promise<AttemptOutcome>((ended) => endpoint.attempt(request, { ended }));
    endpoint.close();
    return outcome;
  }

  /** Events that are held and not yet settled, of all queues that webhooks read here. */
  get held(): number {
    let held = 0;
    for (const queue of new Set([...this.#members.values()].map((member) => member.queue))) {
      const { ready, leased, waiting } = queue.statistics;
      held += ready + leased + waiting;
    }
    return held;
  }

  /** Ends all; attempts under way get some time to end by themselves. */
  async stop(graceMs: number): Promise<void> {
    const members = [...this.#members.values()];
    this.#members.clear();
    for (const { stopListening } of members) stopListening();
    await Promise.all(members.map(({ receiver }) => receiver.stop(graceMs)));
  }
}
