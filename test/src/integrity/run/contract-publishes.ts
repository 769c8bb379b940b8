import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../../support/chance.js';
import { CONTRACT_SIGNED, contractSigned } from '../../support/cloud-event.js';
import { authorizationFor } from '../../support/keyring.js';
import { type PublishLine, moment } from '../history.js';
import { type HistoryLog, contentOf } from './history-log.js';
import { ANSWER_MS, outcomeOf } from './order-changes.js';
import type { Pace } from './pace.js';

const TOPIC = 'contract';
const KEYS_PER_WORKER = 12;
const INVALID_SHARE = 0.02;
/** What got no answer is mostly published again, with the same id; some publishers give up. */
const AGAIN_SHARE = 0.8;
const PAUSE_WHEN_AWAY_MS = 50;

interface Answered {
  status: number;
  partition?: number;
  offset?: number;
}

/** Publishes contract events at any of the gateways, those of a key one after another. */
export class ContractPublishes {
  #work: Promise<unknown>;

  constructor(
    private readonly gateways: readonly string[],
    private readonly chance: Chance,
    private readonly pace: Pace,
    private readonly log: HistoryLog,
    workers: number,
  ) {
    this.#work = Promise.all(Array.from({ length: workers }, (_, worker) => this.#run(worker)));
  }

  /** Resolves when the pace says that there are enough. */
  async done(): Promise<void> {
    await this.#work;
  }

  async #run(worker: number): Promise<void> {
    for (let number = 1; await this.pace.goOn(); number += 1) {
      const key = `C-${worker}-${this.chance.between(1, KEYS_PER_WORKER)}`;
      await this.#publish(key, `${key}:${number}`);
    }
  }

  async #publish(key: string, id: string): Promise<void> {
    // Amounts and times as the gateway writes them, so that the data that arrives can be compared.
    const valid = contractSigned(key, { NetAmount: '1250.500', SignedBy: id });
    const data = this.chance.next() < INVALID_SHARE ? { ...valid, NetAmount: 'much' } : valid;
    // With its time: what a publisher leaves out the gateway fills in, each time anew.
    const attributes = { id, source: '/test/contracts', type: CONTRACT_SIGNED, time: new Date().toISOString() };
    const event = { specversion: '1.0', ...attributes, data };
    const content = contentOf(data);
    for (;;) {
      const begin = moment();
      const { status, ...position } = await this.#ask(JSON.stringify(event));
      const outcome = outcomeOf(status);
      const call = { line: 'publish', topic: TOPIC, key, id, content, begin, end: moment(), outcome } as const;
      const line: PublishLine = { ...call, ...(status === 0 ? {} : { status }), ...position };
      this.log.write(line);
      if (outcome === 'acknowledged') this.pace.count(1);
      if (outcome !== 'unknown') return;
      await delay(PAUSE_WHEN_AWAY_MS);
      if (this.chance.next() >= AGAIN_SHARE) return;
    }
  }

  async #ask(body: string): Promise<Answered> {
    const gateway = this.gateways[this.chance.between(0, this.gateways.length - 1)]!;
    try {
      const response = await fetch(`${gateway}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json', ...(await authorizationFor(gateway)) },
        body,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const { partition, offset } = (await response.json()) as Partial<Answered>;
      const isPlaced = partition !== undefined && offset !== undefined;
      return { status: response.status, ...(isPlaced ? { partition, offset } : {}) };
    } catch {
      return { status: 0 };
    }
  }
}
