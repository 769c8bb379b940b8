import { type Caller, permissionMissing } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { z } from 'zod';
import type { FlowRunner } from '../flow-runner.js';
import type { Flow } from '../flow.shape.js';
import type { GatewayCalls } from '../gateway-calls.js';
import type { DeliveryFacts } from './delivery-facts.js';
import { type MessageEntry, isOpen } from './message-entry.js';
import type { MessageLog } from './message-log.js';
import { type MessageView, type MessagesQuery, type flowsShape, type messagesShape, viewOf } from './monitor.shape.js';

/** What people see of messages, and do about them: flow by flow, for whoever may `manage` it. */
export class Monitor {
  constructor(
    private readonly parts: {
      runner: FlowRunner;
      messages: MessageLog;
      facts: DeliveryFacts;
      gateway: GatewayCalls;
    },
  ) {}

  flows(caller: Caller): z.infer<typeof flowsShape> {
    const { runner, messages } = this.parts;
    const counts = messages.counts();
    const flows = runner.flows.filter(({ name }) => mayManage(caller, name));
    return {
      flows: flows.map((flow) => {
        const { name, about, from, to, steps } = flow;
        const ended = runner.endOf(flow);
        return {
          name,
          ...(about === undefined ? {} : { about }),
          from: from.queue === undefined ? `POST /http${from.http?.path ?? ''}` : `queue:${from.queue}`,
          steps: steps.map((step) => step.name),
          to: receiverOf(to),
          running: ended === undefined,
          ...(ended === undefined ? {} : { ended }),
          messages: counts.get(name) ?? {},
        };
      }),
    };
  }

  list(caller: Caller, query: MessagesQuery): z.infer<typeof messagesShape> {
    const { runner, messages } = this.parts;
    const { flow, state, message, since, until, limit, cursor } = query;
    const names = runner.flows.map(({ name }) => name).filter((name) => mayManage(caller, name));
    const entries = messages.list({
      flows: flow === undefined ? names : names.filter((name) => name === flow),
      state,
      message,
      since: since === undefined ? undefined : Date.parse(since),
      until: until === undefined ? undefined : Date.parse(until),
      after: cursor,
      limit: limit + 1,
    });
    const page = entries.slice(0, limit);
    const next = entries.length > limit ? page.at(-1)?.id : undefined;
    return { messages: page.map(viewOf), ...(next === undefined ? {} : { next }) };
  }

  /** @throws HeddleError `not-found`, or `permission-missing` for a message of a flow that is somebody else's to manage */
  get(caller: Caller, id: string): MessageView {
    return viewOf(this.#entry(caller, id));
  }

  /**
   * Has a message that was given up come again: its dead letter is put back into its queue.
   *
   * @throws HeddleError `conflict` for one that is not given up, or that nobody kept
   */
  async retry(caller: Caller, id: string): Promise<MessageView> {
    const { messages, facts, gateway, runner } = this.parts;
    const entry = this.#entry(caller, id);
    const { state, flow } = entry;
    if (state !== 'failed' && state !== 'cancelled') throw conflict(`It is ${state}: what failed can be retried.`);
    const queue = runner.flow(flow)?.from.queue;
    if (queue === undefined) throw conflict('It came by HTTP: its sender was told, and has it still.');
    const letter = await facts.openLetter(entry, queue);
    if (letter === undefined) throw conflict(`The queue ${queue} has no dead letter of it that is open.`);
    // Before it is put back, for it may come at once.
    messages.change(id, { state: 'retry', cancelledBy: null, dueAt: null, redrives: entry.redrives + 1 });
    const { status, json, detail } = await gateway.call('/v1/dead-letters/redrive', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ids: [letter] }),
    });
    if (status !== 202) {
      // When no answer came, it may have been put back: then it comes, and its state with it.
      messages.change(id, { state, cancelledBy: entry.cancelledBy ?? null, redrives: entry.redrives });
      throw new HeddleError('gateway-unavailable', detail);
    }
    const now = messages.get(id);
    if (now?.cycle === entry.cycle) messages.change(id, { cycle: String(json['id']), isTaken: false, attempts: 0 });
    return this.get(caller, id);
  }

  /**
   * Has a message given up when it comes again, without another attempt.
   *
   * @throws HeddleError `conflict` for one that is final
   */
  cancel(caller: Caller, id: string): MessageView {
    const entry = this.#entry(caller, id);
    if (!isOpen(entry.state)) throw conflict(`It is ${entry.state}: only what is still to come can be cancelled.`);
    // The time that matters is when it was last heard of.
    this.parts.messages.change(id, { cancelledBy: caller.client }, entry.changedAt);
    return this.get(caller, id);
  }

  #entry(caller: Caller, id: string): MessageEntry {
    const entry = this.parts.messages.get(id);
    if (entry === undefined) throw new HeddleError('not-found', `There is no message ${id}.`);
    if (mayManage(caller, entry.flow)) return entry;
    throw permissionMissing(caller, `manage:flow:${entry.flow}`);
  }
}

function receiverOf({ queue, topic, event, https }: Flow['to']): string {
  if (queue !== undefined) return `queue:${queue}`;
  if (topic !== undefined) return `topic:${topic}`;
  if (event !== undefined) return `event:${event.type}`;
  return `${https?.method ?? ''} ${https?.url ?? `$${https?.urlFrom ?? ''}`}`;
}

function mayManage({ permissions }: Caller, flow: string): boolean {
  return permissions.allows('manage', 'flow', flow);
}

function conflict(detail: string): HeddleError {
  return new HeddleError('conflict', detail);
}
