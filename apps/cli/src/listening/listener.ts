import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import type { Gateway } from '../gateway.js';
import { type Delivery, type LocalAnswer, type LocalTarget, deliverTo } from './local-request.js';
import { textOf } from '../output/text.js';

/** What became of one delivery. */
export interface Delivered {
  at: string;
  queue: string;
  url: string;
  id: string;
  type: string;
  subject: string;
  attempt: number;
  redelivery: Delivery['redelivery'];
  status?: number;
  error?: string;
  ms: number;
  /** `lost`: the lease had ended, so that the delivery comes again. */
  outcome: 'accepted' | 'released' | 'dead' | 'lost';
  /** When the next attempt is due. */
  nextAt?: string;
}

export interface ListenerPorts {
  onDelivered(delivered: Delivered): void;
  /** The gateway is away, and why; undefined when it is back. */
  onAway(reason: string | undefined): void;
  /** The queue is not there any more: makes it anew. */
  remake(): Promise<void>;
}

interface Settled {
  state?: 'accepted' | 'released' | 'rejected' | 'dead' | 'renewed';
  dueAt?: string;
  code?: string;
}

/** So short that it can be waited for at the end: an answer on its way has leases, which nobody else would settle. */
const WAIT_MS = 2000;
/** What a lease has beyond its request. */
const SETTLE_MS = 5000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 5000;
/** At the end a settlement is tried for so long; after that the delivery comes again. */
const LAST_WORDS_MS = 5000;
/** Deliveries that are done with but could not be settled, remembered so that they are not made twice. */
const MAX_REMEMBERED = 10_000;

/**
 * Takes deliveries from a queue and hands them to a URL, each settled by what that answers: a success is accepted, all
 * else is released, so that it comes again by the queue's schedule. Goes on through whatever happens to the gateway.
 */
export class Listener {
  readonly #gateway: Gateway;
  readonly #atWork = new Set<Promise<void>>();
  readonly #done = new Set<string>();
  #isAway = false;

  constructor(
    gateway: Gateway,
    private readonly target: LocalTarget,
    private readonly atATime: number,
    private readonly ports: ListenerPorts,
  ) {
    this.#gateway = gateway.untilAnswered();
  }

  /** Resolves when the signal has ended it and what was at work is settled. @throws HeddleError what does not pass */
  async run(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        const deliveries = await this.#receive();
        this.#away(undefined);
        pauseMs = FIRST_PAUSE_MS;
        for (const delivery of deliveries) this.#work(delivery, signal);
        if (this.#atWork.size >= this.atATime) await Promise.race(this.#atWork);
      } catch (error) {
        if (error instanceof HeddleError && error.code === 'not-found') {
          await this.ports.remake();
        } else if (exitCodeOf(error) === EXIT.unreachable.code) {
          this.#away(error instanceof Error ? error.message : String(error));
        } else {
          throw error;
        }
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2);
      }
    }
    await Promise.all(this.#atWork);
  }

  async #receive(): Promise<Delivery[]> {
    const max = Math.max(1, this.atATime - this.#atWork.size);
    const path = `/v1/queues/${this.target.queue}/receive`;
    const { deliveries } = await this.#gateway.post<{ deliveries: Delivery[] }>(
      path,
      // As long as a request may take, so that what is under way is nobody else's, and a little to settle it.
      { max, waitMs: WAIT_MS, leaseMs: Math.max(1000, this.target.timeoutMs + SETTLE_MS) },
      { patienceMs: 0 },
    );
    return deliveries;
  }

  #work(delivery: Delivery, signal: AbortSignal): void {
    const work = this.#deliver(delivery, signal).finally(() => this.#atWork.delete(work));
    this.#atWork.add(work);
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { event, attempt, redelivery } = delivery;
    const name = nameOf(delivery);
    // It was taken, but that could not be said any more before the lease ended with its gateway.
    const answer = this.#done.has(name) ? { status: 200, ms: 0 } : await deliverTo(this.target, delivery);
    const isTaken = answer.status !== undefined && answer.status >= 200 && answer.status < 300;
    const result = await this.#settle(delivery.lease, answer, isTaken, signal);
    if (isTaken) this.#remember(name, result);
    const { status, error, ms } = answer;
    this.ports.onDelivered({
      at: new Date().toISOString(),
      queue: this.target.queue,
      url: this.target.url,
      id: String(event['id']),
      type: String(event['type']),
      subject: textOf(event['subject']),
      attempt,
      redelivery,
      ...(status === undefined ? {} : { status }),
      ...(error === undefined ? {} : { error }),
      ms,
      outcome: outcomeOf(result),
      ...(result?.dueAt === undefined ? {} : { nextAt: result.dueAt }),
    });
  }

  /** Undefined when it could not be said. To say it twice is as good as once. */
  async #settle(
    lease: string,
    { status, error, retryAfterMs }: LocalAnswer,
    isTaken: boolean,
    signal: AbortSignal,
  ): Promise<Settled | undefined> {
    const reason = error ?? `status ${status ?? ''}`;
    const settlement = isTaken
      ? { lease, action: 'accept' }
      : { lease, action: 'release', reason, ...(retryAfterMs === undefined ? {} : { delayMs: retryAfterMs }) };
    let giveUpAt = Infinity;
    for (let pauseMs = FIRST_PAUSE_MS; performance.now() < giveUpAt; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
      try {
        const path = `/v1/queues/${this.target.queue}/settle`;
        const { results } = await this.#gateway.post<{ results: Settled[] }>(path, { settlements: [settlement] });
        return results[0];
      } catch (trouble) {
        if (exitCodeOf(trouble) !== EXIT.unreachable.code) return { code: 'refused' };
        this.#away(trouble instanceof Error ? trouble.message : String(trouble));
      }
      if (signal.aborted && giveUpAt === Infinity) giveUpAt = performance.now() + LAST_WORDS_MS;
      await delay(pauseMs);
    }
    return undefined;
  }

  #remember(name: string, result: Settled | undefined): void {
    if (result?.state !== undefined) this.#done.delete(name);
    else if (this.#done.size < MAX_REMEMBERED) this.#done.add(name);
  }

  #away(reason: string | undefined): void {
    const isAway = reason !== undefined;
    if (isAway !== this.#isAway) this.ports.onAway(reason);
    this.#isAway = isAway;
  }
}

/** Of one delivery cycle: what is replayed is meant to come again. */
function nameOf({ event, cycle = '' }: Delivery): string {
  return JSON.stringify([cycle, event['source'], event['id']]);
}

function outcomeOf(result: Settled | undefined): Delivered['outcome'] {
  if (result?.state === 'accepted' || result?.state === 'released' || result?.state === 'dead') return result.state;
  return 'lost';
}
