import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import { call } from './http-call.js';
import { type CurlAnswer, type CurlMessage, SapCurl, type SapKey } from './sap-curl.js';

const SOON = { timeout: 10_000 };

/** Three segments, which are the own ones of the client. */
export const NAMESPACE = 'acme/sales/prod';

const DESCRIPTOR = {
  emname: 'shop',
  version: '1.1.0',
  namespace: NAMESPACE,
  options: { management: true, messagingrest: true, messaging: true },
  rules: {
    topicRules: {
      publishFilter: ['${namespace}/*', 'default/heddle/s4/ce/*'],
      subscribeFilter: ['${namespace}/*', '+/+/+/ce/*'],
    },
    queueRules: { publishFilter: ['${namespace}/*'], subscribeFilter: ['${namespace}/*'] },
  },
};

/** A message client of SAP Event Mesh, made by its descriptor, that is nothing but shell and curl. */
export class SapShop {
  private constructor(
    private readonly gateway: string,
    readonly client: string,
    readonly curl: SapCurl,
  ) {}

  static async open(gateway: string): Promise<SapShop> {
    const client = `shop-${randomUUID().slice(0, 8)}`;
    return new SapShop(gateway, client, await SapCurl.open(await keyOf(gateway, client)));
  }

  close(): Promise<void> {
    return this.curl.close();
  }

  /** Its service key, with a new secret. */
  key(): Promise<SapKey> {
    return keyOf(this.gateway, this.client);
  }

  /** A new queue in the namespace; its name percent-encoded. */
  async newQueue(): Promise<string> {
    const queue = encodeURIComponent(`${NAMESPACE}/q/${randomUUID()}`);
    // 503 says to come again: another instance may have stopped a moment ago.
    await vi.waitFor(async () => {
      const answer = await this.curl.queue('PUT', `queues/${queue}`, {});
      expect(answer.status, answer.text).toBe(201);
    }, SOON);
    return queue;
  }

  /** Changes what only ours has. */
  async lease(queue: string, leaseMs: number): Promise<void> {
    const body = { topicPatterns: [], leaseMs };
    const answer = await call('PUT', `${this.gateway}/v1/queues/${queue}`, { body });
    expect(answer.status, answer.text).toBe(200);
  }

  subscribed(
    queue: string,
    pattern: string,
    encode: (text: string) => string = encodeURIComponent,
  ): Promise<CurlAnswer> {
    return this.curl.queue('PUT', `queues/${queue}/subscriptions/${encode(pattern)}`);
  }

  /** The next message of a queue, which may be on its way. */
  consumed(queue: string, qos = '1'): Promise<CurlMessage> {
    return vi.waitFor(async () => {
      const message = await this.curl.consume(queue, qos);
      expect(message.status, message.body.toString().slice(0, 200)).toBe(200);
      return message;
    }, SOON);
  }

  async counts(queue: string): Promise<unknown> {
    return (await this.curl.queue('GET', `queues/${queue}/statistics`)).json;
  }
}

async function keyOf(gateway: string, client: string): Promise<SapKey> {
  const made = await call('PUT', `${gateway}/v1/clients/${client}`, { body: { descriptor: DESCRIPTOR } });
  expect([200, 201], made.text).toContain(made.status);
  const answer = await call('POST', `${gateway}/v1/clients/${client}/service-key`, { body: { format: 'event-mesh' } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json as SapKey;
}
