import { HeddleError } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Flow } from './flow.shape.js';
import type { GatewayCalls } from './gateway-calls.js';
import type { Receiver } from './message.js';
import type { FlowMetrics } from './metrics.js';
import type { MessageEntry } from './monitor/message-entry.js';
import type { MessageLog } from './monitor/message-log.js';
import { QueueFlow } from './queue-flow.js';
import { AddressReceiver } from './receivers/address-receiver.js';
import { EventReceiver } from './receivers/event-receiver.js';
import { HttpsReceiver } from './receivers/https-receiver.js';
import type { Secrets } from './secrets.js';

/** Runs all flows of a process. */
export class FlowRunner {
  readonly #queueFlows = new Map<string, QueueFlow>();
  readonly #receivers = new Map<string, Receiver>();

  constructor(
    readonly flows: readonly Flow[],
    private readonly parts: {
      gateway: GatewayCalls;
      secrets: Secrets;
      messages: MessageLog;
      metrics: FlowMetrics;
      log: Log;
    },
  ) {
    for (const flow of flows) this.#receivers.set(flow.name, this.#receiverOf(flow));
  }

  /** Begins to receive from the queues; flows from HTTP run with the server. */
  start(): void {
    for (const flow of this.flows) {
      const { queue } = flow.from;
      if (queue === undefined) continue;
      const receiver = this.receiver(flow);
      this.#queueFlows.set(flow.name, new QueueFlow({ ...flow, from: { queue } }, { ...this.parts, receiver }));
    }
  }

  flow(name: string): Flow | undefined {
    return this.flows.find((flow) => flow.name === name);
  }

  receiver({ name }: Flow): Receiver {
    const receiver = this.#receivers.get(name);
    if (receiver === undefined) throw new HeddleError('internal', `The flow ${name} has no receiver.`);
    return receiver;
  }

  /** Why nothing comes to a flow any more; undefined while it runs. */
  endOf({ name }: Flow): string | undefined {
    return this.#queueFlows.get(name)?.end;
  }

  /** Whether the message of an entry is being worked on here and now. */
  isAtWork(entry: MessageEntry): boolean {
    return this.#queueFlows.get(entry.flow)?.isAtWork(entry) === true;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#queueFlows.values()].map((flow) => flow.close()));
  }

  #receiverOf({ name, to }: Flow): Receiver {
    const { gateway, secrets } = this.parts;
    if (to.https !== undefined) return new HttpsReceiver(to.https, secrets);
    if (to.queue !== undefined) return new AddressReceiver(gateway, { kind: 'queue', name: to.queue }, name);
    if (to.topic !== undefined) return new AddressReceiver(gateway, { kind: 'topic', name: to.topic }, name);
    if (to.event !== undefined) return new EventReceiver(gateway, to.event, name);
    throw new HeddleError('internal', `The flow ${name} leads nowhere.`);
  }
}
