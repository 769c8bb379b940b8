import type { GatewayCalls } from '../gateway-calls.js';
import type { MessageEntry } from './message-entry.js';

/** What the gateway knows of a message in its queue. */
export type Fact =
  | { state: 'accepted' | 'dropped' }
  | { state: 'dead'; letter: string | undefined; reason: string | undefined }
  /** It comes again. */
  | { state: 'held' }
  /** It does not come again, and nothing says why: the queue was purged or deleted. */
  | { state: 'gone'; why: string }
  | { state: 'unknown'; why: string };

interface Delivery {
  queue: string;
  cycle: string;
  state: 'accepted' | 'dead' | 'dropped' | 'open';
  deadLetter?: string;
  attempts: { error?: string }[];
}

interface EventSummary {
  event: { source: string };
  appendedAt?: string;
  deliveries: Delivery[];
}

/** Asks the gateway what became of messages of a queue. */
export class DeliveryFacts {
  constructor(private readonly gateway: GatewayCalls) {}

  async of({ message, source, cycle }: MessageEntry, queue: string): Promise<Fact> {
    const asked = await this.gateway.call(`/v1/events/${encodeURIComponent(message)}`);
    if (asked.status !== 200 && asked.status !== 404) return { state: 'unknown', why: asked.detail };
    const events = ((asked.json['events'] ?? []) as EventSummary[]).filter(({ event }) => event.source === source);
    const deliveries = events.flatMap((event) => event.deliveries).filter((delivery) => delivery.queue === queue);
    // A queue that was made anew has forgotten what the one before it had: the last one counts.
    const delivery = deliveries.findLast((one) => one.cycle === cycle);
    if (delivery === undefined || delivery.state === 'open') return this.#held(queue, events.at(0)?.appendedAt);
    if (delivery.state !== 'dead') return { state: delivery.state };
    return { state: 'dead', letter: delivery.deadLetter, reason: delivery.attempts.at(-1)?.error };
  }

  /** The dead letter of a message that can be put back; the last one, where it failed several times. */
  async openLetter({ message, source }: MessageEntry, queue: string): Promise<string | undefined> {
    const path = `/v1/dead-letters?state=open&limit=500&queue=${encodeURIComponent(queue)}`;
    for (let cursor = ''; ;) {
      const { status, json } = await this.gateway.call(`${path}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      if (status !== 200) return undefined;
      const letters = json['deadLetters'] as { id: string; event: { id: string; source: string } }[];
      const found = letters.find(({ event }) => event.id === message && event.source === source);
      if (found !== undefined) return found.id;
      const { next } = json;
      if (typeof next !== 'string') return undefined;
      cursor = encodeURIComponent(next);
    }
  }

  /** Whether a queue can still hold what was appended then: it says how old the oldest is that it has. */
  async #held(queue: string, appendedAt: string | undefined): Promise<Fact> {
    const askedAt = Date.now();
    const { status, json, detail } = await this.gateway.call(`/v1/queues/${encodeURIComponent(queue)}`);
    if (status === 404) return { state: 'gone', why: `The queue ${queue} does not exist any more` };
    if (status !== 200) return { state: 'unknown', why: detail };
    const { oldestAgeMs, lag = 0 } = json['statistics'] as { oldestAgeMs?: number; lag?: number };
    if (lag > 0) return { state: 'held' };
    if (oldestAgeMs === undefined) return { state: 'gone', why: `The queue ${queue} holds it no more` };
    if (appendedAt === undefined) return { state: 'held' };
    const isOlder = Date.parse(appendedAt) < askedAt - oldestAgeMs - CLOCKS_MS;
    return isOlder ? { state: 'gone', why: `The queue ${queue} holds it no more` } : { state: 'held' };
  }
}

/** Clocks of the gateway, the broker and here may differ by so much. */
const CLOCKS_MS = 5000;
