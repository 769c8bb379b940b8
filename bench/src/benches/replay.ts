import type { Arrived } from '../arrival-log.js';
import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import type { GatewayClient } from '../gateway-client.js';
import { metered } from '../meter.js';
import { type Target, atLeast, atMost } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { Worker } from '../worker.js';
import type { EndpointSink } from '../workers/endpoint-sink.js';
import type { PublishLoad } from '../workers/publish-load.js';
import { arrivalMs, joinedArrivalMs, reportLoad, reportRefused } from './webhooks/deliveries.js';

const PATIENCE_MS = 60_000;
const LIVE_PER_SECOND = 300;
/** The most that a replay may ask for: it is not to wait. */
const NO_LIMIT = 50_000;
/** Keys of stored events begin with another digit than those of live ones, which tells two queues which are theirs. */
const STORED_KEYS_FROM = 500_000;

interface Run {
  before: Arrived;
  during: Arrived;
  replayed: Arrived;
  rate: number;
  gatewayMicros: number;
}

interface Parts {
  context: BenchContext;
  client: GatewayClient;
  /** Of the gateway. */
  pid: number;
  stored: Receiver;
  live: Receiver;
  load: Worker<PublishLoad>;
}

interface Receiver {
  sink: Worker<EndpointSink>;
  /** The webhook, and the queue it brings. */
  name: string;
}

/** What was stored is delivered again, while what is new goes on. */
export const replay: Bench = {
  name: 'replay',
  measures: 'stored events delivered again to a webhook, and what that does to the live deliveries of another',
  parts: ['fast', 'usual'],
  options: {
    ...runOptions(8, 3),
    events: { default: 150_000, about: 'events that are replayed', quick: 20_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
    'in-flight': { default: 200, about: 'requests to one endpoint at once, at most' },
  },
  async run(context) {
    const { ground, size } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const client = await ground.client();
    await fillTopic(context, size('events'), STORED_KEYS_FROM);
    const stored = await receiver(context, client, 'replayed', 'C-5');
    const live = await receiver(context, client, 'live', 'C-0');
    const load = ground.worker<PublishLoad>('publish-load');
    const target = { ...(await ground.door()), connections: 64, perRequest: 1 };
    await load.ask('open', { ...target, eventBytes: size('bytes'), keys: size('keys') });
    await liveRun(context, live, load, size('warm-up'));

    const parts: Parts = { context, client, pid: gateway.pid, stored, live, load };
    if (context.wants('fast')) await fast(parts);
    if (context.wants('usual')) await usual(parts);
    await load.stop();
  },
};

/** As fast as it goes: what that costs, and what is left for live deliveries. */
async function fast({ context, client, pid, stored, live, load }: Parts): Promise<void> {
  const { ground, report, size } = context;
  const run = async (): Promise<Run> => {
    const before = await liveRun(context, live, load, size('seconds'));
    await stored.sink.ask('begin', { events: size('events'), copies: 1, keys: size('keys') });
    const work = async () => {
      await client.replay(stored.name, NO_LIMIT);
      const during = liveRun(context, live, load, size('seconds'));
      const all = { deliveries: size('events'), timeoutMs: PATIENCE_MS };
      return Promise.all([during, stored.sink.ask('until', all)]);
    };
    const { result, spent } = await metered(ground, pid, work);
    const [during, replayed] = result;
    const rate = replayed.deliveries / ((replayed.lastMicros - replayed.firstMicros) / 1_000_000);
    const gatewayMicros = (spent.cpuSeconds / (replayed.deliveries + during.deliveries)) * 1_000_000;
    // The next one begins when this one has written its end.
    if (!(await client.drained(stored.name, PATIENCE_MS))) report.fault('not all was settled');
    return { before, during, replayed, rate, gatewayMicros };
  };
  const runs = await repeated(size('runs'), run);
  const each = (value: (one: Run) => number): number[] => runs.map(value);
  report.section(`${size('events')} stored events replayed to a webhook, beside ${LIVE_PER_SECOND}/s to another`);
  report.figure({ label: 'rate', values: each(({ rate }) => rate), unit: 'deliveries/s', target: atLeast(12_000) });
  report.figure({
    label: 'gateway, a delivery',
    values: each(({ gatewayMicros }) => gatewayMicros),
    unit: 'µs of CPU',
  });
  reportLive(context, runs);
  for (const { replayed, during } of runs) {
    const missing = size('events') - replayed.deliveries;
    if (missing > 0) report.fault(`${missing} of ${size('events')} were not delivered again`);
    if (replayed.duplicates > 0) report.note(`${replayed.duplicates} came twice`);
    const longer = (replayed.lastMicros - during.lastMicros) / 1_000_000;
    if (longer < -1) report.note(`the replay was over ${(-longer).toFixed(1)} s before the live load`);
  }
}

/** At the rate it has when nothing is said: live deliveries are to notice little of it. */
async function usual({ context, client, stored, live, load }: Parts): Promise<void> {
  const { report, size } = context;
  const pairs = await repeated(size('runs'), async () => {
    const before = await liveRun(context, live, load, size('seconds'));
    await stored.sink.ask('begin', { events: size('events'), copies: 1, keys: size('keys') });
    const id = await client.replay(stored.name);
    const during = await liveRun(context, live, load, size('seconds'));
    await client.stopReplay(stored.name, id);
    const replayed = await stored.sink.ask('until', { deliveries: 0, timeoutMs: 0 });
    const rate = replayed.deliveries / ((replayed.lastMicros - replayed.firstMicros) / 1_000_000);
    if (!(await client.drained(stored.name, PATIENCE_MS))) report.fault('not all was settled');
    return { before, during, rate };
  });
  report.section(`a replay at its usual rate to a webhook, beside ${LIVE_PER_SECOND}/s to another`);
  report.figure({ label: 'rate', values: pairs.map(({ rate }) => rate), unit: 'deliveries/s' });
  reportLive(context, pairs, atMost(1.2));
}

/** The latency of live deliveries before and during a replay, and how many times as long it is. */
function reportLive({ report }: BenchContext, pairs: readonly Pick<Run, 'before' | 'during'>[], target?: Target): void {
  for (const percent of [50, 99]) {
    const before = pairs.map((one) => arrivalMs(one.before, percent));
    const during = pairs.map((one) => arrivalMs(one.during, percent));
    report.figure({ label: `live, before it, p${percent}`, values: before, unit: 'ms' });
    report.figure({ label: `live, while it runs, p${percent}`, values: during, unit: 'ms' });
    const times = during.map((ms, index) => ms / (before[index] ?? 0));
    report.figure({ label: `p${percent}, times that before`, values: times, unit: 'times' });
    const joined = (which: 'before' | 'during'): number =>
      joinedArrivalMs(
        pairs.map((one) => one[which]),
        percent,
      );
    const [was, is] = [joined('before'), joined('during')];
    const label = `p${percent}, the same, runs joined`;
    report.figure({ label, values: [is / was], unit: 'times', target });
  }
  reportLoad(report);
}

/** A webhook for the new events whose keys begin so, and its sink. */
async function receiver(
  { ground, size }: BenchContext,
  client: GatewayClient,
  name: string,
  keys: string,
): Promise<Receiver> {
  const sink = ground.worker<EndpointSink>('endpoint-sink');
  const url = await sink.ask('listen', undefined);
  await client.put('webhooks', name, {
    types: [EVENT_TYPE],
    topics: [EVENT_TOPIC],
    filter: [{ prefix: { subject: keys } }],
    url: `${url}0`,
    order: 'none',
    delivery: { maxInFlight: size('in-flight') },
  });
  return { sink, name };
}

async function liveRun(
  { report, size }: BenchContext,
  { sink }: Receiver,
  load: Worker<PublishLoad>,
  seconds: number,
): Promise<Arrived> {
  await sink.ask('begin', { events: LIVE_PER_SECOND * seconds, copies: 1, keys: size('keys') });
  const sent = await load.ask('load', { seconds, perSecond: LIVE_PER_SECOND });
  reportRefused({ report }, sent.refused);
  const arrived = await sink.ask('until', { deliveries: sent.accepted, timeoutMs: PATIENCE_MS });
  if (arrived.deliveries < sent.accepted) report.fault(`${sent.accepted - arrived.deliveries} live ones did not come`);
  return arrived;
}
