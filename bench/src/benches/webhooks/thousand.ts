import { freePort } from '@heddle/infra';
import { repeated } from '../../bench.js';
import { atLeast, atMost } from '../../report.js';
import { keyOf } from '../../sample-event.js';
import type { Worker } from '../../worker.js';
import type { PublishLoad } from '../../workers/publish-load.js';
import {
  PATIENCE_MS,
  type Parts,
  arrivalMs,
  pacedRun,
  publishRun,
  publisher,
  reportDeliveries,
  reportLoad,
  reportRefused,
  webhookTo,
} from './deliveries.js';

/** Shares of all endpoints; the slow stand before the hanging, the healthy behind both. */
const SLOW = 0.1;
const HANGING = 0.01;
const SLOW_MS = 2000;
const STEADY = 300;

/** One webhook for each key, and few of the keys have most of the events. */
export async function unevenLoad(parts: Parts): Promise<void> {
  const { context } = parts;
  const { report, size } = context;
  const names = await webhookPerKey(parts);
  const load = await publisher(parts, 'zipf');
  // The one with the most to do is the last to be done.
  const run = (seconds: number) => publishRun(parts, load, { webhooks: names.slice(0, 1), seconds });
  await run(size('warm-up'));
  const runs = await repeated(size('runs'), () => run(size('seconds')));
  await load.stop();
  await parts.gateway.client.deleteMany(names);
  report.section(`${names.length} webhooks, one a key, keys by Zipf, published over HTTP`);
  reportDeliveries(context, 'gateway', runs, { rate: atLeast(8000) });
}

/** What some endpoints that are not well do to all the others. */
export async function mixedHealth(parts: Parts): Promise<void> {
  const { context, gateway, sink } = parts;
  const { report, size } = context;
  const names = await webhookPerKey(parts);
  const load = await publisher(parts);
  const hangingAt = Math.round(names.length * SLOW);
  const healthyAt = hangingAt + Math.round(names.length * HANGING);
  await healthyRate(parts, load, healthyAt);

  const well = await repeated(size('runs'), () => steadyMs(parts, load));
  // It is to have every event, and takes none: nobody listens on its port.
  await gateway.client.put('webhooks', 'dead', {
    ...webhookTo(parts, 0),
    url: `http://127.0.0.1:${await freePort()}/`,
  });
  const beside = await repeated(size('runs'), () => steadyMs(parts, load));
  await gateway.client.delete('webhooks', 'dead');

  const all = await repeated(size('runs'), () => healthyRate(parts, load, healthyAt));
  await sink.ask('behave', [
    { from: 0, to: hangingAt, delayMs: SLOW_MS, status: 204 },
    { from: hangingAt, to: healthyAt, delayMs: -1, status: 204 },
  ]);
  const most = await repeated(size('runs'), () => healthyRate(parts, load, healthyAt));
  await load.stop();
  await gateway.client.deleteMany(names);
  await sink.ask('behave', []);

  report.section(`${names.length} webhooks, ${STEADY}/s: one further endpoint is dead, and is to have every event`);
  report.figure({ label: 'none dead, p99', values: well, unit: 'ms' });
  report.figure({ label: 'one dead, p99 of the others', values: beside, unit: 'ms' });
  const times = beside.map((ms, index) => ms / (well[index] ?? 0));
  report.figure({ label: 'p99, of what it is with none dead', values: times, unit: 'times', target: atMost(1.5) });
  report.section(
    `${names.length} webhooks: ${hangingAt} answer after ${SLOW_MS / 1000} s, ${healthyAt - hangingAt} never`,
  );
  report.figure({ label: 'healthy, while all are', values: all, unit: 'deliveries/s' });
  report.figure({ label: 'healthy, beside the others', values: most, unit: 'deliveries/s' });
  const shares = most.map((rate, index) => (100 * rate) / (all[index] ?? 0));
  report.figure({ label: 'healthy, of their rate', values: shares, unit: '%', target: atLeast(95) });
  reportLoad(report);
}

/** Resolves with the names of one webhook for each key, the number of its key being that of its endpoint. */
async function webhookPerKey(parts: Parts): Promise<string[]> {
  const count = parts.context.size('keys');
  const names = Array.from({ length: count }, (_, number) => `of-${keyOf(number).toLowerCase()}`);
  await parts.gateway.client.putMany(count, (number) => ({
    name: names[number] ?? '',
    definition: webhookTo(parts, number, { filter: [{ exact: { subject: keyOf(number) } }] }),
  }));
  return names;
}

async function steadyMs(parts: Parts, load: Worker<PublishLoad>): Promise<number> {
  const arrived = await pacedRun(parts, load, { perSecond: STEADY, seconds: parts.context.size('seconds') });
  return arrivalMs(arrived, 99);
}

/** Deliveries a second to the endpoints from a number on, of what is published as fast as it is answered. */
async function healthyRate({ context, sink }: Parts, load: Worker<PublishLoad>, healthyAt: number): Promise<number> {
  const { report, size } = context;
  const keys = size('keys');
  await sink.ask('begin', { events: Math.ceil(size('seconds') * 60_000), copies: 1, keys, groupAt: healthyAt });
  const sent = await load.ask('load', { seconds: size('seconds') });
  reportRefused(context, sent.refused);
  // Keys come in turn: of each round, those from the first healthy one on.
  const rounds = Math.floor(sent.accepted / keys);
  const expected = rounds * (keys - healthyAt) + Math.max(0, (sent.accepted % keys) - healthyAt);
  const arrived = await sink.ask('until', { deliveries: expected, group: 1, timeoutMs: PATIENCE_MS });
  const { deliveries = 0, lastMicros = 0 } = arrived.groups[1] ?? {};
  if (deliveries < expected) report.fault(`${expected - deliveries} of ${expected} did not come to healthy endpoints`);
  return deliveries / ((lastMicros - sent.begunMicros) / 1_000_000);
}
