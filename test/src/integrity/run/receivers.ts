import { join } from 'node:path';
import { freePort, spawnNode, waitForPort, type Running } from '@heddle/infra';
import type { Chance } from '../../support/chance.js';
import { call } from '../../support/http-call.js';
import type { HistoryLog } from './history-log.js';
import { PullReceiver } from './pull-receiver.js';
import { QUEUES, makeQueue, nameOf } from './queues.js';
import type { ReceiverOptions } from './webhook-receivers.js';
import type { World } from './world.js';

const PULL_WORKERS = 4;

interface WebhookCounts {
  deliveries: number;
  accepted: Record<string, number>;
}

/** All who read the queues of a run. */
export class Receivers {
  #pulling = new Map<string, PullReceiver>();

  private constructor(
    private readonly webhooks: Running,
    private readonly port: number,
    /** What the receivers of webhooks write down. */
    readonly file: string,
  ) {}

  /** Starts the receivers of webhooks, makes the queues, and begins to pull. */
  static async start(dir: string, world: World, chance: Chance, log: HistoryLog): Promise<Receivers> {
    const { gateways } = world;
    const credentials = await world.credentials();
    const port = await freePort();
    const file = join(dir, 'webhooks.jsonl');
    const settings: ReceiverOptions = { file, port, seed: chance.seed, gateways, credentials, queues: QUEUES };
    const running = await spawnNode({
      name: 'receivers',
      script: 'test/dist/integrity/run/webhook-receivers.js',
      args: [JSON.stringify(settings)],
      env: {},
      logFile: join(dir, 'receivers.log'),
    });
    const receivers = new Receivers(running, port, file);
    try {
      await waitForPort(port);
      for (const queue of QUEUES) {
        await makeQueue(gateways, queue, port);
        log.write(queue.definition);
        if (queue.readBy === 'webhook') continue;
        const pulling = new PullReceiver(gateways, queue, chance, log, PULL_WORKERS);
        receivers.#pulling.set(queue.definition.queue, pulling);
      }
      return receivers;
    } catch (error) {
      await receivers.stop();
      throw error;
    }
  }

  async deliveries(): Promise<number> {
    const { deliveries } = await this.#webhookCounts();
    return [...this.#pulling.values()].reduce((sum, pulling) => sum + pulling.deliveries, deliveries);
  }

  /** How many events of a queue a receiver has accepted, in a cycle. */
  async accepted(queue: string, cycle = ''): Promise<number> {
    const pulling = this.#pulling.get(queue);
    if (pulling !== undefined) return pulling.accepted.get(cycle)?.size ?? 0;
    return (await this.#webhookCounts()).accepted[nameOf(queue, cycle)] ?? 0;
  }

  async stop(): Promise<void> {
    for (const pulling of this.#pulling.values()) await pulling.stop();
    await this.webhooks.stop();
  }

  async #webhookCounts(): Promise<WebhookCounts> {
    const { json } = await call('GET', `http://127.0.0.1:${this.port}/`);
    return json as WebhookCounts;
  }
}
