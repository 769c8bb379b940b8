import { setTimeout as delay } from 'node:timers/promises';

/** What a gateway is told before and after something is measured. */
export class GatewayClient {
  constructor(
    private readonly url: string,
    private readonly authorization: string,
  ) {}

  /** Creates or changes a queue or a webhook. */
  async put(kind: 'queues' | 'webhooks', name: string, definition: object): Promise<void> {
    await this.#call('PUT', `/v1/${kind}/${name}`, definition);
  }

  async delete(kind: 'queues' | 'webhooks', name: string): Promise<void> {
    await this.#call('DELETE', `/v1/${kind}/${name}`);
  }

  /** Makes so many webhooks, a few at a time; the first of them is number 0. */
  async putMany(count: number, webhook: (number: number) => { name: string; definition: object }): Promise<void> {
    await inLanes(count, (number) => {
      const { name, definition } = webhook(number);
      return this.put('webhooks', name, definition);
    });
  }

  async deleteMany(names: readonly string[]): Promise<void> {
    await inLanes(names.length, (number) => this.delete('webhooks', names[number] ?? ''));
  }

  /** Delivers the stored events of a queue again, from the first to what is there now; returns the id of the replay. */
  async replay(queue: string, ratePerSecond?: number): Promise<string> {
    const begun = await this.#call('POST', `/v1/queues/${queue}/replay`, { from: 'earliest', ratePerSecond });
    return (begun as { id: string }).id;
  }

  async stopReplay(queue: string, id: string): Promise<void> {
    await this.#call('POST', `/v1/queues/${queue}/replays/${id}/stop`);
  }

  async statistics(queue: string): Promise<Record<string, number>> {
    const { statistics } = (await this.#call('GET', `/v1/queues/${queue}`)) as { statistics: Record<string, number> };
    return statistics;
  }

  /** Resolves when a queue has nothing left to do; false when that takes longer than the time given. */
  async drained(queue: string, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      const { ready = 0, leased = 0, waiting = 0, lag = 0 } = await this.statistics(queue);
      if (ready + leased + waiting + lag === 0) return true;
      await delay(50);
    }
    return false;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: this.authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** Requests at a time, where many are to be made. */
const LANES = 16;

async function inLanes(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
