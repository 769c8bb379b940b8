import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { Chance } from '../support/chance.js';
import { type CloudEvent, ORDERS } from '../support/cloud-event.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { Mesh } from '../support/mesh.js';
import { OrderDatabase } from '../support/order-database.js';
import { OrderLoad } from '../support/order-load.js';
import { Orders } from '../support/orders.js';
import { afterOpened, openWebSocket } from '../support/stream-clients.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const ground = inject('stack');

let mesh: Mesh;
let gateway: string;
let orders: Orders;
let partner: string;

beforeAll(async () => {
  mesh = await Mesh.start({ ground, env: { gateway: { HEDDLE_RETRY_FIRST_MS: '50' } } });
  gateway = mesh.url('gateway');
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  partner = await orders.knownPartner();
});

afterAll(async () => {
  await deleteAllWebhooks(gateway);
  await mesh.stop();
});

test('a gateway that is killed between a delivery and its acknowledgement loses none, keeps order per key, and marks each repeat', async () => {
  const chance = Chance.of('kills between deliveries');
  const sinks = await Promise.all([WebhookSink.start(), WebhookSink.start()]);
  for (const sink of sinks) {
    await putWebhook(gateway, { url: sink.url, types: [ORDERS] });
    // Some are refused at first, and all take a while: so that at any moment many are under way.
    sink.answerWith(async (_delivery, response) => {
      await delay(chance.between(0, 30));
      response.writeHead(chance.next() < 0.05 ? 500 : 204).end();
    });
  }
  const load = new OrderLoad([orders], partner, chance, 4);
  for (let round = 0; round < 3; round += 1) {
    await delay(chance.between(150, 900));
    await mesh.killApp('gateway');
    await mesh.startApp('gateway');
  }
  await load.stop();
  const wanted = await committedBy(load);
  let repeats = 0;
  for (const sink of sinks) {
    await sink.until(
      allOf(wanted, (delivery) => eventOf(delivery).id),
      { timeoutMs: 30_000, what: 'every event at a webhook' },
    );
    repeats += expectMarked(sink.deliveries);
    expectOrdered(sink.deliveries.map(eventOf));
  }
  // A run in which nothing was under way when it died says nothing.
  expect(repeats).toBeGreaterThan(0);
  await deleteAllWebhooks(gateway);
  for (const sink of sinks) await sink.stop();
});

test('a stream whose gateway is killed again and again carries every event once, with the token of the last one', async () => {
  const chance = Chance.of('kills of a stream');
  const events: CloudEvent[] = [];
  let stream = await openWebSocket(gateway, { types: ORDERS });
  await stream.events.until((all) => all.length > 0);
  const load = new OrderLoad([orders], partner, chance, 3);
  for (let round = 0; round < 3; round += 1) {
    const enough = chance.between(5, 100);
    await stream.events.until((all) => all.length > enough);
    await mesh.killApp('gateway');
    await stream.closed;
    events.push(...afterOpened(stream));
    await mesh.startApp('gateway');
    stream = await openWebSocket(gateway, { types: ORDERS, resume: stream.token });
  }
  await load.stop();
  const wanted = await committedBy(load);
  const missing = wanted.difference(new Set(events.map(({ id }) => id)));
  await stream.events.until(allOf(missing, ({ id }) => id));
  expect(stream.events.all[0]).toMatchObject({ data: { resumed: 'exact', gaps: [] } });
  events.push(...afterOpened(stream));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  expectOrdered(events);
  stream.close();
});

/** The ids of all events of the orders of a load, once they are in the log. */
async function committedBy(load: OrderLoad): Promise<Set<string>> {
  const database = await OrderDatabase.open(ground.databaseUrl);
  await database.whenDrained();
  await database.close();
  const records = await readTopic(foreignKafka(ground.kafkaBrokers), 'sales-order');
  const ids = records.filter(({ key = '' }) => load.acknowledged.has(key)).map(({ headers }) => headers['ce_id']!);
  expect(ids.length).toBeGreaterThan(100);
  return new Set(ids);
}

/** Each repeat says that it is one, or may be one, and has the bytes of the first; resolves with how many there were. */
function expectMarked(deliveries: readonly Delivery[]): number {
  let repeats = 0;
  for (const [id, copies] of Map.groupBy(deliveries, (delivery) => eventOf(delivery).id)) {
    const [first, ...others] = copies;
    for (const copy of others) {
      expect(['yes', 'maybe'], id).toContain(copy.headers['heddle-redelivery']);
      expect(copy.body.equals(first!.body), id).toBe(true);
      expect(copy.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    }
    repeats += others.length;
  }
  return repeats;
}

/** First occurrences of each key come in their numbers, without a gap. */
function expectOrdered(events: readonly CloudEvent[]): void {
  const next = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, subject, sequence } of events) {
    if (seen.has(id)) continue;
    seen.add(id);
    const expected = next.get(subject);
    if (expected !== undefined) expect(Number(sequence), subject).toBe(expected);
    next.set(subject, Number(sequence) + 1);
  }
}
