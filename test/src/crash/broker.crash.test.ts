import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MESH_APPS, type Running, fetchPrograms, freePorts, startBroker } from '@heddle/infra';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { Chance } from '../support/chance.js';
import { type CloudEvent, ORDERS } from '../support/cloud-event.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { OrderDatabase } from '../support/order-database.js';
import { checkOrderHistory } from '../support/order-history.js';
import { OrderLoad } from '../support/order-load.js';
import { Orders, freshKey } from '../support/orders.js';
import { contractEvent, publish } from '../support/publishing.js';
import { afterOpened, openWebSocket } from '../support/stream-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { putWebhook } from '../support/webhooks.js';

const isNative = ['java', 'mvn'].every(isInstalled);
if (!isNative) process.stderr.write('without Java and Maven no broker can be killed: these stories are skipped\n');

describe.skipIf(!isNative)('a broker of its own', () => {
  let dir: string;
  let broker: Running;
  let startAgain: () => Promise<void>;
  let brokers: string[];
  let mesh: Mesh;
  let gateway: string;
  let orders: Orders;
  let partner: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'heddle-broker-'));
    await fetchPrograms();
    const [port = 0, controllerPort = 0] = await freePorts(2);
    startAgain = async () => {
      broker = await startBroker({ dir, port, controllerPort, logFile: join(dir, 'kafka.log') });
    };
    await startAgain();
    brokers = [`127.0.0.1:${port}`];
    mesh = await Mesh.start({
      ground: { ...inject('stack'), kafkaBrokers: brokers },
      env: { gateway: { HEDDLE_APPEND_TIMEOUT_MS: '1500', HEDDLE_RETRY_FIRST_MS: '50' } },
    });
    gateway = mesh.url('gateway');
    orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
    partner = await orders.knownPartner();
  });

  afterAll(async () => {
    await mesh.stop();
    await broker.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('that is away makes a publish 503 and retryable, and loses no event of the orders taken meanwhile, even if their service dies', async () => {
    expect((await publish(gateway, contractEvent('C-1'))).status).toBe(202);
    await broker.stop();
    const key = freshKey();
    expect(await orders.create(key, partner)).toMatchObject({ status: 201 });
    const event = contractEvent('C-1');
    const refused = await publish(gateway, event);
    expect(refused.json).toMatchObject({ status: 503, code: 'log-unavailable', retryable: true });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call('GET', `${gateway}/healthz/ready`)).status).toBe(503);
    expect((await call('GET', `${gateway}/healthz/live`)).status).toBe(200);
    // Its relay has been trying since: what the log has not acknowledged must be in the outbox still.
    await mesh.killApp('sales-order');
    await startAgain();
    await mesh.startApp('sales-order');
    await vi.waitFor(async () => expect(await publish(gateway, event)).toMatchObject({ status: 202 }), {
      timeout: 20_000,
      interval: 200,
    });
    await vi.waitFor(async () => expect((await call('GET', `${gateway}/healthz/ready`)).status).toBe(200), {
      timeout: 10_000,
    });
    expect((await whatIsKept(new Map([[key, 1]]))).events).toBe(2);
  });

  test('that is killed under load loses nothing it acknowledged; orders are taken meanwhile, and all goes on by itself', async () => {
    const ends = MESH_APPS.map((app) => mesh.app(app).exited);
    const sink = await WebhookSink.start();
    await putWebhook(gateway, { url: sink.url, types: [ORDERS] });
    const stream = await openWebSocket(gateway, { types: ORDERS });
    await stream.events.until((events) => events.length > 0);
    const chance = Chance.of('outages of the broker');
    const load = new OrderLoad([orders], partner, chance, 4);
    const publisher = new PublishLoad(gateway);
    for (let round = 0; round < 2; round += 1) {
      await delay(chance.between(300, 1000));
      broker.kill();
      await broker.exited;
      // The outbox takes what the log cannot.
      expect(await orders.create(freshKey(), partner)).toMatchObject({ status: 201 });
      await delay(chance.between(100, 1500));
      await startAgain();
      const acknowledged = publisher.acknowledged.size;
      await vi.waitFor(() => expect(publisher.acknowledged.size).toBeGreaterThan(acknowledged + 5), {
        timeout: 30_000,
      });
    }
    await Promise.all([load.stop(), publisher.stop()]);

    const { events, wanted } = await whatIsKept(load.acknowledged);
    expect(events).toBeGreaterThan(100);

    const published = (await readTopic(foreignKafka(brokers), 'contract')).map(({ headers }) => headers['ce_id']!);
    expect([...publisher.acknowledged.difference(new Set(published))]).toEqual([]);
    expect(publisher.numbersIn(published)).toEqual(publisher.numbersIn(published).toSorted((a, b) => a - b));

    await stream.events.until(allOf(wanted, ({ id }) => id));
    await sink.until(allOf(wanted, (delivery) => eventOf(delivery).id));
    expectOrdered(afterOpened(stream));
    expectOrdered(sink.deliveries.map(eventOf));
    expect(await Promise.race([...ends, Promise.resolve('all run')])).toBe('all run');
    stream.close();
    await sink.stop();
  });

  /** Waits until all that was raised is appended, then holds the topic to the database. */
  async function whatIsKept(
    acknowledged: ReadonlyMap<string, number>,
  ): Promise<{ events: number; wanted: Set<string> }> {
    const database = await OrderDatabase.open(inject('stack').databaseUrl);
    await database.whenDrained();
    const stored = await database.versionsOf(acknowledged.keys());
    await database.close();
    const records = await readTopic(foreignKafka(brokers), 'sales-order');
    const { problems, events } = checkOrderHistory(records, { stored, acknowledged });
    expect(problems).toEqual([]);
    const wanted = records.filter(({ key = '' }) => stored.has(key)).map(({ headers }) => headers['ce_id']!);
    return { events, wanted: new Set(wanted) };
  }
});

/** Publishes events of one key one after another; what fails is published again before the next, as a client would. */
class PublishLoad {
  readonly acknowledged = new Set<string>();
  readonly #key = `C-${freshKey()}`;
  #isOver = false;
  #work: Promise<void>;

  constructor(private readonly gateway: string) {
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  /** The numbers of its own events among others, first occurrences only. */
  numbersIn(ids: readonly string[]): number[] {
    const own = ids.filter((id) => id.startsWith(`${this.#key}-`));
    return [...new Set(own)].map((id) => Number(id.slice(this.#key.length + 1)));
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#isOver; number += 1) {
      const id = `${this.#key}-${number}`;
      while (!this.acknowledged.has(id)) {
        const answer = await publish(this.gateway, contractEvent(this.#key, { id }));
        if (answer.status === 202) this.acknowledged.add(id);
        else expect(answer.json).toMatchObject({ code: 'log-unavailable' });
        await delay(5);
      }
    }
  }
}

/** First occurrences of each key come in their numbers. */
function expectOrdered(events: readonly CloudEvent[]): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, subject, sequence } of events) {
    if (seen.has(id)) continue;
    seen.add(id);
    expect(Number(sequence), subject).toBeGreaterThan(last.get(subject) ?? 0);
    last.set(subject, Number(sequence));
  }
}

function isInstalled(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
