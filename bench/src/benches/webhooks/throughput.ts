import type { Arrived } from '../../arrival-log.js';
import { repeated } from '../../bench.js';
import { metered } from '../../meter.js';
import { atLeast, atMost } from '../../report.js';
import { EVENT_TOPIC } from '../../sample-event.js';
import type { BareWebhook } from '../../workers/bare-webhook.js';
import {
  PATIENCE_MS,
  type Parts,
  type Run,
  drain,
  publishRun,
  publisher,
  reportDeliveries,
  webhookTo,
} from './deliveries.js';

const FLOODED = 60_000;
const ENDPOINTS = 10;
/** Of a run to ten endpoints, where each event makes ten times the work. */
const MOST_SECONDS = 4;

/** What the sink takes at most, from a sender that does nothing else. */
export async function ceiling({ context: { ground, report }, sink, url }: Parts): Promise<void> {
  const sender = ground.worker<BareWebhook>('bare-webhook');
  await sender.ask('flood', { url, requests: FLOODED / 3 });
  const { result: seconds, spent } = await metered(ground, sink.pid, () =>
    sender.ask('flood', { url, requests: FLOODED }),
  );
  await sender.stop();
  report.section('the sink alone, at a sender that only signs');
  report.figure({ label: 'rate', values: [FLOODED / seconds], unit: 'requests/s' });
  report.figure({ label: 'sink', values: [(spent.cpuSeconds / FLOODED) * 1_000_000], unit: 'µs of CPU a request' });
}

/** One webhook on a backlog, and the bare loop on the same. */
export async function fromTopic(parts: Parts): Promise<void> {
  const { context } = parts;
  const { report, size } = context;
  await drain(parts, 'warm-up');
  const runs = await repeated(size('runs'), (index) => drain(parts, `run-${index}`));
  report.section(
    `topic → webhook: a backlog of ${size('events')} events, one endpoint, ${size('in-flight')} in flight`,
  );
  reportDeliveries(context, 'gateway', runs, {
    rate: atLeast(15_000),
    perCpuSecond: atLeast(14_000),
    micros: atMost(60),
  });
  await bare(parts);
}

async function bare({ context, sink, url }: Parts): Promise<void> {
  const { ground, report, size } = context;
  const loop = ground.worker<BareWebhook>('bare-webhook');
  const { kafkaBrokers: brokers, registryUrl } = ground.stack;
  const expected = size('events');
  const run = async (): Promise<Run> => {
    const work = async (): Promise<Arrived> => {
      await sink.ask('begin', { events: expected, copies: 1, keys: size('keys') });
      await loop.ask('drain', { brokers, registryUrl, topic: EVENT_TOPIC, url, events: expected });
      return sink.ask('until', { deliveries: expected, timeoutMs: PATIENCE_MS });
    };
    const { result, spent } = await metered(ground, loop.pid, work, { sink: sink.pid });
    return { arrived: result, expected, seconds: (result.lastMicros - result.firstMicros) / 1_000_000, spent };
  };
  await run();
  const runs = [await run()];
  await loop.stop();
  report.section('topic → webhook: the bare loop, the same events');
  reportDeliveries(context, 'bare loop', runs, {});
}

/** A backlog again, with the events of a key one at a time and without any order. */
export async function orders(parts: Parts): Promise<void> {
  const { context } = parts;
  const { report, size } = context;
  await drain(parts, 'order-warm-up');
  const pairs = await repeated(size('runs'), async (index) => ({
    none: await drain(parts, `order-none-${index}`, 'none'),
    key: await drain(parts, `order-key-${index}`, 'key'),
  }));
  const rate = ({ arrived, seconds }: Run): number => arrived.deliveries / seconds;
  report.section(`order: a backlog of ${size('events')} events of ${size('keys')} keys`);
  report.figure({ label: 'order none', values: pairs.map(({ none }) => rate(none)), unit: 'deliveries/s' });
  report.figure({ label: 'order key', values: pairs.map(({ key }) => rate(key)), unit: 'deliveries/s' });
  report.figure({
    label: 'key, of what none reaches',
    values: pairs.map(({ none, key }) => (100 * rate(key)) / rate(none)),
    unit: '%',
    target: atLeast(70),
  });
  for (const { key } of pairs) {
    if (key.arrived.outOfOrder > 0) report.fault(`${key.arrived.outOfOrder} came out of the order of their key`);
    if (key.arrived.deliveries < key.expected) report.fault(`${key.expected - key.arrived.deliveries} did not come`);
  }
}

/** Published over HTTP, to one webhook. */
export async function published(parts: Parts): Promise<void> {
  const { context, gateway } = parts;
  const { report, size } = context;
  const load = await publisher(parts);
  const name = 'published';
  await gateway.client.put('webhooks', name, webhookTo(parts, 0));
  await publishRun(parts, load, { webhooks: [name], seconds: size('warm-up') });
  const runs = await repeated(size('runs'), () =>
    publishRun(parts, load, { webhooks: [name], seconds: size('seconds') }),
  );
  await load.stop();
  await gateway.client.delete('webhooks', name);
  report.section(`HTTP publish → webhook: ${size('connections')} connections ask as fast as they are answered`);
  reportDeliveries(context, 'gateway', runs, { rate: atLeast(8000), perCpuSecond: atLeast(8500) });
}

/** Published over HTTP, each event to ten webhooks. */
export async function toTen(parts: Parts): Promise<void> {
  const { context, gateway } = parts;
  const { report, size } = context;
  const webhooks = Array.from({ length: ENDPOINTS }, (_, number) => `ten-${number}`);
  for (const [number, name] of webhooks.entries()) {
    await gateway.client.put('webhooks', name, webhookTo(parts, number));
  }
  const load = await publisher(parts);
  const run = (seconds: number) => publishRun(parts, load, { webhooks, copies: ENDPOINTS, seconds });
  await run(1);
  const runs = await repeated(size('runs'), () => run(Math.min(MOST_SECONDS, size('seconds'))));
  await load.stop();
  await gateway.client.deleteMany(webhooks);
  report.section(`one event → ${ENDPOINTS} webhooks, published over HTTP`);
  reportDeliveries(context, 'gateway', runs, { perCpuSecond: atLeast(14_000) });
}
