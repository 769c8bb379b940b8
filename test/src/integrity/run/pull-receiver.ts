import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../../support/chance.js';
import type { CloudEvent } from '../../support/cloud-event.js';
import { call } from '../../support/http-call.js';
import { type DeliveryLine, type Outcome, moment } from '../history.js';
import { type HistoryLog, contentOf, digestOf } from './history-log.js';
import type { RunQueue } from './queues.js';

interface Delivery {
  lease: string;
  attempt: number;
  redelivery: DeliveryLine['redelivery'];
  cycle?: string;
  event: CloudEvent;
}

interface Result {
  lease: string;
  state?: string;
  code?: string;
}

type Answer = DeliveryLine['answer'];

const MOST_AT_ONCE = 20;
const WAIT_MS = 1000;
/** Leases that are neither settled nor renewed: their receiver forgot them. */
const FORGOTTEN_SHARE = 0.003;
const REJECTED_SHARE = 0.002;
const SETTLE_TRIES = 3;
const PAUSE_WHEN_AWAY_MS = 100;

/** Leases deliveries of a queue over HTTP, handles them for a while, and settles them together. */
export class PullReceiver {
  /** Ids of events that were accepted, per cycle. */
  readonly accepted = new Map<string, Set<string>>();
  deliveries = 0;
  #isOver = false;
  #work: Promise<unknown>;

  constructor(
    private readonly gateways: readonly string[],
    private readonly queue: RunQueue,
    private readonly chance: Chance,
    private readonly log: HistoryLog,
    workers: number,
  ) {
    this.#work = Promise.all(Array.from({ length: workers }, (_, worker) => this.#run(`pull-${worker}`)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #run(receiver: string): Promise<void> {
    while (!this.#isOver) {
      const deliveries = await this.#receive();
      if (deliveries === undefined) await delay(PAUSE_WHEN_AWAY_MS);
      else if (deliveries.length > 0) await this.#handle(receiver, deliveries);
    }
  }

  /** Nothing when there was no answer: what was leased by it then runs out. */
  async #receive(): Promise<Delivery[] | undefined> {
    const max = this.chance.between(1, MOST_AT_ONCE);
    const answer = await this.#ask('receive', { max, waitMs: WAIT_MS });
    return (answer as { deliveries?: Delivery[] } | undefined)?.deliveries;
  }

  async #handle(receiver: string, deliveries: readonly Delivery[]): Promise<void> {
    const begin = moment();
    this.deliveries += deliveries.length;
    await delay(this.chance.between(0, this.queue.handlingMs));
    const answers = deliveries.map(() => this.#answer());
    const end = moment();
    const outcomes = await this.#settle(deliveries, answers);
    const settledAt = moment();
    for (const [index, { lease, attempt, redelivery, cycle, event }] of deliveries.entries()) {
      const answer = answers[index]!;
      const settlement = outcomes.get(lease) ?? 'unknown';
      // Without an answer it may have been settled; if it was not, it comes again, and soon.
      if (settlement !== 'refused' && answer === 'accept') this.#remember(event.id, cycle);
      this.log.write({
        line: 'delivery',
        receiver,
        queue: this.queue.definition.queue,
        ...(cycle === undefined ? {} : { cycle }),
        id: event.id,
        type: event.type,
        key: event.subject,
        ...(event.sequence === undefined ? {} : { sequence: Number(event.sequence) }),
        attempt,
        redelivery,
        bytes: digestOf(JSON.stringify(event)),
        content: contentOf(event.data),
        begin,
        // One that is forgotten ends when its lease does, at a moment that only the gateway knows.
        end: answer === 'cut' ? begin : end,
        answer,
        ...(answer === 'cut' ? {} : { settlement, settledAt }),
        epoch: epochOf(lease),
      });
    }
  }

  #remember(id: string, cycle = ''): void {
    let ids = this.accepted.get(cycle);
    if (ids === undefined) this.accepted.set(cycle, (ids = new Set()));
    ids.add(id);
  }

  #answer(): Answer {
    const draw = this.chance.next();
    if (draw < FORGOTTEN_SHARE) return 'cut';
    if (draw < FORGOTTEN_SHARE + REJECTED_SHARE) return 'reject';
    return draw < FORGOTTEN_SHARE + REJECTED_SHARE + this.queue.refusedShare ? 'release' : 'accept';
  }

  /**
   * What was confirmed, and what refused; a request without an answer is repeated, as it may be. When a repeat is refused,
   * the first may have counted all the same, under an owner that could not say so any more: that is unknown.
   */
  async #settle(deliveries: readonly Delivery[], answers: readonly Answer[]): Promise<Map<string, Outcome>> {
    const settlements = deliveries
      .map(({ lease }, index) => ({ lease, action: answers[index]!, reason: 'as chance would have it' }))
      .filter(({ action }) => action !== 'cut')
      .map(({ reason, ...settlement }) => (settlement.action === 'accept' ? settlement : { ...settlement, reason }));
    const outcomes = new Map<string, Outcome>();
    for (let tries = 0; settlements.length > 0 && tries < SETTLE_TRIES; tries += 1) {
      const answer = (await this.#ask('settle', { settlements })) as { results?: Result[] } | undefined;
      for (const { lease, state } of answer?.results ?? []) {
        outcomes.set(lease, state !== undefined ? 'acknowledged' : tries === 0 ? 'refused' : 'unknown');
      }
      if (answer !== undefined) break;
      await delay(PAUSE_WHEN_AWAY_MS);
    }
    return outcomes;
  }

  async #ask(what: 'receive' | 'settle', body: object): Promise<unknown> {
    const gateway = this.gateways[this.chance.between(0, this.gateways.length - 1)]!;
    try {
      const url = `${gateway}/v1/queues/${this.queue.definition.queue}/${what}`;
      const { status, json } = await call('POST', url, { body });
      return status === 200 ? json : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A lease token names the epoch of the owner that granted it. */
function epochOf(lease: string): string {
  return lease.split('.')[1] ?? '';
}
