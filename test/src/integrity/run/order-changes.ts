import { setTimeout as delay } from 'node:timers/promises';
import { createOrder } from '@heddle/infra';
import type { Chance } from '../../support/chance.js';
import { authorizationFor } from '../../support/keyring.js';
import { type ChangeLine, type Outcome, moment } from '../history.js';
import type { HistoryLog } from './history-log.js';
import type { Pace } from './pace.js';

const TOPIC = 'sales-order';
const MOST_CHANGES = 12;
const REFUSED_SHARE = 0.1;
/** A request that takes longer counts as not answered. */
export const ANSWER_MS = 5000;
const PAUSE_WHEN_AWAY_MS = 50;

/**
 * Creates orders and changes them one after another, through their service; some calls must be refused. An order whose
 * request got no answer is left alone.
 */
export class OrderChanges {
  #work: Promise<unknown>;

  constructor(
    private readonly url: string,
    private readonly partner: string,
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
    for (let order = 1; await this.pace.goOn(); order += 1) {
      await this.#live(String((worker + 1) * 100_000_000 + order));
    }
  }

  async #live(key: string): Promise<void> {
    const body = createOrder(key, this.partner);
    if (!(await this.#ask(key, 1, 'POST', '', body))) return;
    this.pace.count(2);
    const changes = this.chance.between(0, MOST_CHANGES);
    for (let version = 1; version <= changes && (await this.pace.goOn()); version += 1) {
      const patch = { PurchaseOrderByCustomer: `PO-${version}` };
      if (this.chance.next() < REFUSED_SHARE) await this.#ask(key, undefined, 'PATCH', '"99"', patch);
      if (!(await this.#ask(key, version + 1, 'PATCH', `"${version}"`, patch))) return;
      this.pace.count(1);
    }
  }

  /** Whether it was done. */
  async #ask(
    key: string,
    version: number | undefined,
    method: string,
    ifMatch: string,
    body: object,
  ): Promise<boolean> {
    const begin = moment();
    const path = method === 'POST' ? '' : `/${key}`;
    const status = await statusOf(`${this.url}/sales-orders${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(ifMatch === '' ? {} : { 'if-match': ifMatch }) },
      body: JSON.stringify(body),
    });
    const outcome = outcomeOf(status);
    const line: ChangeLine = { line: 'change', topic: TOPIC, key, begin, end: moment(), outcome };
    this.log.write({ ...line, ...(version === undefined ? {} : { version }), ...(status === 0 ? {} : { status }) });
    if (status === 0) await delay(PAUSE_WHEN_AWAY_MS);
    return outcome === 'acknowledged';
  }
}

/** The status of an answer that was read to its end; 0 for none. */
async function statusOf(url: string, request: RequestInit): Promise<number> {
  try {
    const headers = { ...(request.headers as Record<string, string>), ...(await authorizationFor(url)) };
    const response = await fetch(url, { ...request, headers, signal: AbortSignal.timeout(ANSWER_MS) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/** What went wrong inside a server may have gone wrong after it was done. */
export function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'acknowledged';
  return status >= 400 && status < 500 ? 'refused' : 'unknown';
}
