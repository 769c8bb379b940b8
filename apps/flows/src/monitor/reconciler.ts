import type { Log } from '@heddle/runtime';
import type { FlowRunner } from '../flow-runner.js';
import type { DeliveryFacts } from './delivery-facts.js';
import type { EntryChange } from './message-log.js';
import type { MessageEntry } from './message-entry.js';
import type { MessageLog } from './message-log.js';

const AT_ONCE = 100;

export interface ReconcilerOptions {
  /** Milliseconds after which something that was to happen to a message is looked into. */
  staleMs: number;
  /** Final entries older than this are forgotten. */
  keepMs: number;
}

/**
 * Finds out what became of messages of which nothing is heard any more: settled while this process was away, dropped,
 * purged, or in a queue that is gone. So that none is in retry for ever, and each has one final state in the end.
 */
export class Reconciler {
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    private readonly parts: { runner: FlowRunner; facts: DeliveryFacts; messages: MessageLog; log: Log },
    private readonly options: ReconcilerOptions,
  ) {}

  start(): void {
    const { staleMs } = this.options;
    const again = (): void => {
      this.#timer = setTimeout(() => {
        void this.reconcile()
          .catch((error: unknown) =>
            this.parts.log.warn({ event: 'reconcile-failed', err: error }, 'messages could not be looked into'),
          )
          .finally(() => {
            if (!this.#isStopped) again();
          });
      }, staleMs / 2);
    };
    again();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks once. */
  async reconcile(now = Date.now()): Promise<void> {
    const { messages, runner } = this.parts;
    messages.prune(now - this.options.keepMs);
    for (const entry of messages.stale(now - this.options.staleMs, AT_ONCE)) {
      if (this.#isStopped) return;
      if (!runner.isAtWork(entry)) await this.#lookInto(entry);
    }
  }

  async #lookInto(entry: MessageEntry): Promise<void> {
    const { messages } = this.parts;
    const change = await this.#changeOf(entry);
    // It may have come again while the gateway was asked.
    if (this.#isStopped || messages.get(entry.id)?.changedAt !== entry.changedAt) return;
    messages.change(entry.id, change);
  }

  async #changeOf(entry: MessageEntry): Promise<EntryChange> {
    const flow = this.parts.runner.flow(entry.flow);
    if (flow === undefined) return { state: 'discarded', error: `There is no flow ${entry.flow} any more` };
    const { queue } = flow.from;
    if (queue === undefined) {
      return { state: 'failed', error: 'The process ended before its sender was answered' };
    }
    const fact = await this.parts.facts.of(entry, queue);
    switch (fact.state) {
      case 'accepted':
        return { state: 'completed', error: null };
      case 'dead':
        return {
          state: entry.cancelledBy === undefined ? 'failed' : 'cancelled',
          error: fact.reason ?? entry.error ?? 'The queue gave it up',
        };
      case 'dropped':
        return { state: 'discarded', error: 'Its time to live in the queue was over' };
      case 'gone':
        return { state: 'discarded', error: fact.why };
      case 'held':
        // Waiting, whatever it was doing when it was last heard of.
        return { state: 'retry' };
      case 'unknown':
        this.parts.log.warn({ event: 'message-unknown', flow: flow.name, why: fact.why }, 'the gateway could not tell');
        return {};
    }
  }
}
