import { loadavg } from 'node:os';
import type { Arrived } from '../arrival-log.js';
import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { GatewayClient } from '../gateway-client.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, ofStack, reportCost } from '../meter.js';
import { type Target, atLeast, atMost } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { Worker } from '../worker.js';
import type { BareWebhook } from '../workers/bare-webhook.js';
import type { EndpointSink } from '../workers/endpoint-sink.js';
import type { EventAppend } from '../workers/event-append.js';
import type { PublishLoad } from '../workers/publish-load.js';

const PATIENCE_MS = 60_000;
const FLOODED = 60_000;

/** Deliveries of one run, and what they cost. */
interface Run {
  arrived: Arrived;
  /** How many should have come. */
  expected: number;
  /** Between the first and the last, or as the part says. */
  seconds: number;
  spent: Spent;
}

interface Parts {
  context: BenchContext;
  gateway: { pid: number; port: number; client: GatewayClient };
  sink: Worker<EndpointSink>;
  url: string;
}

/** Delivery to webhooks: what one endpoint gets of a backlog, and of what is published. */
export const webhooks: Bench = {
  name: 'webhooks',
  measures: 'events of a topic, or published over HTTP, to webhooks: signed, and durable when they are settled',
  parts: ['sink', 'topic', 'publish'],
  options: {
    ...runOptions(8, 3),
    events: { default: 150_000, about: 'events in the topic', quick: 40_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published; some 150 more as it is delivered' },
    keys: { default: 1000, about: 'business keys' },
    'in-flight': { default: 200, about: 'requests to one endpoint at once, at most' },
    connections: { default: 64, about: 'keep-alive connections that publish' },
  },
  async run(context) {
    const { ground, size } = context;
    const running = await ground.app('gateway', context.measuredEnv);
    const sink = ground.worker<EndpointSink>('endpoint-sink');
    const url = await sink.ask('listen', undefined);
    const client = new GatewayClient(ground.url('gateway'));
    const gateway = { pid: running.pid, port: ground.port('gateway'), client };
    const parts: Parts = { context, gateway, sink, url };
    await sink.ask('begin', { events: 0, copies: 1, keys: 1 });
    if (context.wants('sink')) await ceiling(parts);
    // The backlog first, while the topic has nothing else.
    if (context.wants('topic')) {
      await fill(context, size('events'));
      await fromTopic(parts);
      await bare(parts);
    }
    if (context.wants('publish')) await published(parts);
  },
};

/** What the sink takes at most, from a sender that does nothing else. */
async function ceiling({ context: { ground, report }, sink, url }: Parts): Promise<void> {
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

async function fill({ ground, size }: BenchContext, events: number): Promise<void> {
  const source = ground.worker<EventAppend>('event-append');
  const { kafkaBrokers: brokers, registryUrl } = ground.stack;
  await source.ask('connect', { brokers, registryUrl });
  await source.ask('fill', { topic: EVENT_TOPIC, events, keys: size('keys'), eventBytes: size('bytes') });
  await source.stop();
}

async function fromTopic(parts: Parts): Promise<void> {
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
}

/** A new webhook that begins with the first event of the topic. */
async function drain({ context, gateway, sink, url }: Parts, name: string): Promise<Run> {
  const { ground, size } = context;
  const expected = size('events');
  const work = async (): Promise<Arrived> => {
    await sink.ask('begin', { events: expected, copies: 1, keys: size('keys') });
    await gateway.client.put('webhooks', name, {
      types: [EVENT_TYPE],
      topics: [EVENT_TOPIC],
      url: `${url}0`,
      order: 'none',
      start: 'earliest',
      delivery: { maxInFlight: size('in-flight') },
    });
    const arrived = await sink.ask('until', { deliveries: expected, timeoutMs: PATIENCE_MS });
    if (!(await gateway.client.drained(name, PATIENCE_MS))) context.report.fault('not all was settled');
    return arrived;
  };
  const { result, spent } = await metered(ground, gateway.pid, work, { sink: sink.pid });
  await gateway.client.delete('webhooks', name);
  return { arrived: result, expected, seconds: (result.lastMicros - result.firstMicros) / 1_000_000, spent };
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

async function published(parts: Parts): Promise<void> {
  const { context, gateway } = parts;
  const { ground, report, size } = context;
  const load = ground.worker<PublishLoad>('publish-load');
  await load.ask('open', {
    port: gateway.port,
    connections: size('connections'),
    perRequest: 1,
    eventBytes: size('bytes'),
    keys: size('keys'),
  });
  const name = 'published';
  await gateway.client.put('webhooks', name, {
    types: [EVENT_TYPE],
    url: `${parts.url}0`,
    order: 'none',
    delivery: { maxInFlight: size('in-flight') },
  });
  await publishRun(parts, load, name, size('warm-up'));
  const runs = await repeated(size('runs'), () => publishRun(parts, load, name, size('seconds')));
  await load.stop();
  await gateway.client.delete('webhooks', name);
  report.section(`HTTP publish → webhook: ${size('connections')} connections ask as fast as they are answered`);
  reportDeliveries(context, 'gateway', runs, { rate: atLeast(8000), perCpuSecond: atLeast(8500) });
}

/** Publishes for a time; the rate counts until the last of it is delivered. */
async function publishRun(
  { context, gateway, sink }: Parts,
  load: Worker<PublishLoad>,
  webhook: string,
  seconds: number,
): Promise<Run> {
  const { ground, report, size } = context;
  const work = async () => {
    await sink.ask('begin', { events: Math.ceil(seconds * 60_000), copies: 1, keys: size('keys') });
    const sent = await load.ask('load', { seconds });
    const arrived = await sink.ask('until', { deliveries: sent.accepted, timeoutMs: PATIENCE_MS });
    if (!(await gateway.client.drained(webhook, PATIENCE_MS))) report.fault('not all was settled');
    return { sent, arrived };
  };
  const { result, spent } = await metered(ground, gateway.pid, work, { sink: sink.pid, load: load.pid });
  const { sent, arrived } = result;
  for (const [status, count] of Object.entries(sent.refused)) report.fault(`${count} were answered ${status}`);
  return { arrived, expected: sent.accepted, seconds: (arrived.lastMicros - sent.begunMicros) / 1_000_000, spent };
}

function reportDeliveries(
  { report }: BenchContext,
  name: string,
  runs: readonly Run[],
  targets: { rate?: Target; perCpuSecond?: Target; micros?: Target },
): void {
  const counts = runs.map(({ arrived }) => arrived.deliveries);
  const each = (value: (run: Run) => number): number[] => runs.map(value);
  report.figure({
    label: 'rate',
    values: each(({ arrived, seconds }) => arrived.deliveries / seconds),
    unit: 'deliveries/s',
    target: targets.rate,
  });
  report.figure({
    label: `per CPU-second, ${name} and broker`,
    values: each(({ arrived, spent }) => arrived.deliveries / ofStack(spent)),
    unit: 'deliveries',
    target: targets.perCpuSecond,
  });
  report.figure({
    label: `${name}, a delivery`,
    values: each(({ arrived, spent }) => (spent.cpuSeconds / arrived.deliveries) * 1_000_000),
    unit: 'µs of CPU',
    target: targets.micros,
  });
  for (const percent of [50, 99]) {
    const values = each(({ arrived }) => Latencies.of(arrived.latencies[0] ?? '').percentileMs(percent));
    report.figure({ label: `made to arrival p${percent}`, values, unit: 'ms' });
  }
  reportCost(
    report,
    name,
    runs.map(({ spent }) => spent),
    counts,
    'deliveries',
  );
  report.figure({
    label: 'body of a delivery',
    values: each(({ arrived }) => arrived.bodyBytes / arrived.deliveries),
    unit: 'bytes',
  });
  report.note(`load average ${loadavg()[0]?.toFixed(1)}`);
  for (const { arrived, expected } of runs) {
    if (arrived.deliveries < expected) report.fault(`${expected - arrived.deliveries} of ${expected} did not come`);
    if (arrived.duplicates > 0) report.fault(`${arrived.duplicates} came twice`);
    if (arrived.strangers > 0) report.note(`${arrived.strangers} others came`);
  }
}
