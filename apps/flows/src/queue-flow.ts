import {
  type CloudEvent,
  type Delivery,
  type Outcome,
  type QueueConnection,
  type SettleResult,
  connectQueue,
  reject,
  release,
} from '@heddle/client';
import type { Log } from '@heddle/runtime';
import { DEFAULT_RETRY, type Flow } from './flow.shape.js';
import type { GatewayCalls } from './gateway-calls.js';
import type { Message, Receiver } from './message.js';
import type { FlowMetrics } from './metrics.js';
import { isOpen, type MessageEntry } from './monitor/message-entry.js';
import type { MessageLog } from './monitor/message-log.js';
import { pass } from './pass.js';
import { attemptsOf, retryDelayMs } from './retry.js';

/** Messages of one flow at work at a time. */
const CREDIT = 20;

/**
 * A flow from a queue. A lease is accepted only after the receiver has taken the message; whatever ends this process in
 * between, it comes again. What fails is released with the flow's own delay, what would fail again, or has failed often
 * enough, is rejected: a dead letter of its queue, with the reason.
 */
export class QueueFlow {
  readonly #connection: QueueConnection;
  readonly #rule;
  readonly #atWork = new Set<string>();

  constructor(
    private readonly flow: Flow & { from: { queue: string } },
    private readonly parts: {
      gateway: GatewayCalls;
      receiver: Receiver;
      messages: MessageLog;
      metrics: FlowMetrics;
      log: Log;
    },
  ) {
    this.#rule = flow.retry ?? DEFAULT_RETRY;
    const { gateway, log } = parts;
    const about = { flow: flow.name, queue: flow.from.queue };
    this.#connection = connectQueue({
      url: gateway.url,
      token: gateway.tokens,
      queue: flow.from.queue,
      credit: CREDIT,
      handle: (event, delivery) => this.#handle(event, delivery),
      onSettled: (event, delivery, result) => this.#settled(event, delivery, result),
      onDisconnected: ({ reason, error, retryInMs }) =>
        log.warn({ event: 'flow-disconnected', ...about, reason, err: error, retryInMs }, 'a flow lost its queue'),
    });
    void this.#connection.closed.then(({ reason, error }) => {
      if (reason !== 'closed') log.error({ event: 'flow-ended', ...about, reason, err: error }, 'a flow has ended');
      this.end = reason;
    });
  }

  /** Why nothing comes any more; undefined while it goes on. */
  end: string | undefined;

  /** Whether the message of an entry is being worked on here. */
  isAtWork({ id }: MessageEntry): boolean {
    return this.#atWork.has(id);
  }

  async close(): Promise<void> {
    await this.#connection.close({ graceMs: 8000 });
  }

  async #handle(event: CloudEvent, { attempt, cycle = '', signal }: Delivery): Promise<Outcome | void> {
    const { messages } = this.parts;
    const entry = messages.of(this.#nameOf(event));
    // A redrive begins anew. In the same cycle what the receiver took is not handed to it again.
    const isTaken = entry.isTaken && entry.cycle === cycle;
    const { cancelledBy } = entry;
    messages.change(entry.id, { state: 'processing', cycle, attempts: attempt, dueAt: null, isTaken });
    if (isTaken) return undefined;
    if (cancelledBy !== undefined) return this.#giveUp(entry.id, `Cancelled by ${cancelledBy}`);
    // Beyond the last one when this process died at it.
    if (attempt > attemptsOf(this.#rule)) {
      return this.#giveUp(entry.id, exhausted(attempt - 1, entry.error ?? 'The process ended at the last attempt'));
    }
    this.#atWork.add(entry.id);
    try {
      return await this.#attempt(entry.id, messageOf(event), attempt, signal);
    } finally {
      this.#atWork.delete(entry.id);
    }
  }

  async #attempt(id: string, message: Message, attempt: number, signal: AbortSignal): Promise<Outcome | void> {
    const { messages, metrics, receiver } = this.parts;
    const way = { steps: this.flow.steps, receiver, to: Object.keys(this.flow.to)[0] ?? '' };
    const passed = await pass(message, way, signal);
    const { passing, steps } = passed;
    metrics.passed(this.flow.name, passed);
    const { answer = null } = passing;
    if (passing.state === 'done') {
      messages.change(id, { steps, answer, error: null, isTaken: true });
      return undefined;
    }
    const { reason } = passing;
    messages.change(id, { steps, answer, error: reason });
    if (passing.state === 'permanent') return this.#giveUp(id, reason);
    if (attempt >= attemptsOf(this.#rule)) return this.#giveUp(id, exhausted(attempt, reason));
    return release({ delayMs: retryDelayMs(this.#rule, attempt, passing.retryAfterMs), reason });
  }

  /** What the gateway made of it, which is what counts. What it could not tell is found out later. */
  #settled(event: CloudEvent, { cycle = '' }: Delivery, { state, reason, dueAt }: SettleResult): void {
    const { messages } = this.parts;
    const entry = messages.of(this.#nameOf(event));
    if (entry.cycle !== cycle || !isOpen(entry.state)) return;
    if (state === 'accepted') messages.change(entry.id, { state: 'completed', error: null });
    else if (state === 'released') {
      messages.change(entry.id, { state: 'retry', dueAt: dueAt === undefined ? null : Date.parse(dueAt) });
    } else if (state === 'rejected' || state === 'dead') {
      // Given up by the queue's own schedule, where that is shorter than the flow's.
      const error = state === 'dead' ? (reason ?? entry.error ?? null) : (entry.error ?? null);
      messages.change(entry.id, { state: entry.cancelledBy === undefined ? 'failed' : 'cancelled', error });
    }
  }

  #giveUp(id: string, reason: string): Outcome {
    this.parts.messages.change(id, { error: reason });
    return reject(reason);
  }

  #nameOf({ id, source }: CloudEvent) {
    return { flow: this.flow.name, source, message: id };
  }
}

function exhausted(attempts: number, error: string): string {
  return `${error} (given up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'})`;
}

/** The data of an event as a message; what is no JSON as it was published. */
function messageOf({ id, datacontenttype = 'application/json', data }: CloudEvent): Message {
  if (data instanceof Uint8Array) return { id, contentType: datacontenttype, body: data };
  const isText = typeof data === 'string' && !/[/+]json\b/.test(datacontenttype);
  const body = Buffer.from(isText ? data : JSON.stringify(data ?? null));
  return { id, contentType: datacontenttype, body };
}
