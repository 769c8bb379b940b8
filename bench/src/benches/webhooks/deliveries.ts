import { loadavg } from 'node:os';
import type { Arrived } from '../../arrival-log.js';
import type { BenchContext } from '../../bench.js';
import type { GatewayClient } from '../../gateway-client.js';
import type { HttpDoor } from '../../http-door.js';
import { Latencies } from '../../latencies.js';
import { type Spent, metered, ofStack, reportCost } from '../../meter.js';
import type { Target } from '../../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../../sample-event.js';
import type { Worker } from '../../worker.js';
import type { EndpointSink } from '../../workers/endpoint-sink.js';
import type { PublishLoad } from '../../workers/publish-load.js';

/** How long the last of a run may be waited for. */
export const PATIENCE_MS = 60_000;

/** What every part works with. */
export interface Parts {
  context: BenchContext;
  gateway: { pid: number; door: HttpDoor; client: GatewayClient };
  sink: Worker<EndpointSink>;
  url: string;
}

/** Deliveries of one run, and what they cost. */
export interface Run {
  arrived: Arrived;
  /** How many should have come. */
  expected: number;
  /** Between the first and the last, or as the part says. */
  seconds: number;
  spent: Spent;
}

/** The definition of a webhook for an endpoint of the sink. */
export function webhookTo({ url, context }: Parts, endpoint: number, more: object = {}): object {
  const delivery = { maxInFlight: context.size('in-flight') };
  return { types: [EVENT_TYPE], topics: [EVENT_TOPIC], url: `${url}${endpoint}`, order: 'none', delivery, ...more };
}

/** A load that publishes single events on so many connections. */
export async function publisher(
  { context: { ground, size }, gateway: { door } }: Parts,
  draw: 'in turn' | 'zipf' = 'in turn',
): Promise<Worker<PublishLoad>> {
  const load = ground.worker<PublishLoad>('publish-load');
  const [connections, eventBytes, keys] = [size('connections'), size('bytes'), size('keys')];
  await load.ask('open', { ...door, connections, perRequest: 1, eventBytes, keys, draw });
  return load;
}

/** A new webhook that begins with the first event of the topic, until it has all of them. */
export async function drain(parts: Parts, name: string, order: 'none' | 'key' = 'none'): Promise<Run> {
  const { context, gateway, sink } = parts;
  const { ground, size } = context;
  const expected = size('events');
  const work = async (): Promise<Arrived> => {
    await sink.ask('begin', { events: expected, copies: 1, keys: size('keys') });
    await gateway.client.put('webhooks', name, webhookTo(parts, 0, { order, start: 'earliest' }));
    const arrived = await sink.ask('until', { deliveries: expected, timeoutMs: PATIENCE_MS });
    if (!(await gateway.client.drained(name, PATIENCE_MS))) context.report.fault('not all was settled');
    return arrived;
  };
  const { result, spent } = await metered(ground, gateway.pid, work, { sink: sink.pid });
  await gateway.client.delete('webhooks', name);
  return { arrived: result, expected, seconds: (result.lastMicros - result.firstMicros) / 1_000_000, spent };
}

/** Publishes for a time, as fast as it is answered, to webhooks; the rate counts until the last of it is delivered. */
export async function publishRun(
  { context, gateway, sink }: Parts,
  load: Worker<PublishLoad>,
  { webhooks, copies = 1, seconds }: { webhooks: readonly string[]; copies?: number; seconds: number },
): Promise<Run> {
  const { ground, report, size } = context;
  const work = async () => {
    await sink.ask('begin', { events: Math.ceil(seconds * 60_000), copies, keys: size('keys') });
    const sent = await load.ask('load', { seconds });
    const arrived = await sink.ask('until', { deliveries: sent.accepted * copies, timeoutMs: PATIENCE_MS });
    for (const webhook of webhooks) {
      if (!(await gateway.client.drained(webhook, PATIENCE_MS))) report.fault('not all was settled');
    }
    return { sent, arrived };
  };
  const { result, spent } = await metered(ground, gateway.pid, work, { sink: sink.pid, load: load.pid });
  const { sent, arrived } = result;
  reportRefused(context, sent.refused);
  const lasted = (arrived.lastMicros - sent.begunMicros) / 1_000_000;
  return { arrived, expected: sent.accepted * copies, seconds: lasted, spent };
}

/** Publishes at a rate for a time, in an open loop; resolves when a group of endpoints, or all, has had everything. */
export async function pacedRun(
  { context, sink }: Parts,
  load: Worker<PublishLoad>,
  {
    perSecond,
    seconds,
    copies = 1,
    groupAt,
  }: { perSecond: number; seconds: number; copies?: number; groupAt?: number },
): Promise<Arrived> {
  const keys = context.size('keys');
  const events = Math.ceil(perSecond * seconds);
  await sink.ask('begin', { events, copies, keys, ...(groupAt === undefined ? {} : { groupAt }) });
  const sent = await load.ask('load', { seconds, perSecond });
  reportRefused(context, sent.refused);
  const arrived = await sink.ask('until', { deliveries: sent.accepted, group: 0, timeoutMs: PATIENCE_MS });
  const missing = sent.accepted - (arrived.groups[0]?.deliveries ?? 0);
  if (missing > 0) context.report.fault(`${missing} of ${sent.accepted} did not come`);
  return arrived;
}

/** Milliseconds from publishing to arrival below which that share of percent lies, of the first group of endpoints. */
export function arrivalMs({ latencies: [first = ''] }: Arrived, percent: number): number {
  return Latencies.of(first).percentileMs(percent);
}

/** Of several runs together, as if they had been one: a run has its p99 from a few bursts. */
export function joinedArrivalMs(runs: readonly Arrived[], percent: number): number {
  return Latencies.of(...runs.map(({ latencies: [first = ''] }) => first)).percentileMs(percent);
}

export function reportRefused({ report }: Pick<BenchContext, 'report'>, refused: Record<string, number>): void {
  for (const [status, count] of Object.entries(refused)) report.fault(`${count} were answered ${status}`);
}

export function reportDeliveries(
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
    const values = each(({ arrived }) => arrivalMs(arrived, percent));
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
  reportLoad(report);
  for (const { arrived, expected } of runs) {
    if (arrived.deliveries < expected) report.fault(`${expected - arrived.deliveries} of ${expected} did not come`);
    if (arrived.duplicates > 0) report.fault(`${arrived.duplicates} came twice`);
    if (arrived.strangers > 0) report.note(`${arrived.strangers} others came`);
  }
}

/** How busy the machine was, for whoever doubts a figure. */
export function reportLoad(report: BenchContext['report']): void {
  report.note(`load average ${loadavg()[0]?.toFixed(1)}`);
}
