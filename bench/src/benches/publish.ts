import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import type { HttpDoor } from '../http-door.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, reportCost } from '../meter.js';
import { type Figure, type Target, atLeast, atMost } from '../report.js';
import type { BarePublish } from '../workers/bare-publish.js';
import type { LoadResult, PublishLoad, Target as PublishTarget } from '../workers/publish-load.js';

/** What is published, and what it is to reach. */
export interface Manner {
  about: string;
  connections: number;
  perRequest: number;
  perSecond?: number;
  at?: PublishTarget['at'];
  rate?: Target;
  perCpuSecond?: Target;
  p50?: Target;
}

interface Run {
  result: LoadResult;
  spent: Spent;
}

/** Publishing through the gateway, and through a bare loop over the same libraries. */
export const publish: Bench = {
  name: 'publish',
  measures: 'HTTP to topic, POST /v1/events, answered when all in-sync replicas have the event',
  options: {
    ...runOptions(5, 3),
    connections: { default: 64, about: 'keep-alive connections' },
    batch: { default: 100, about: 'events in a request of the second part' },
    rate: { default: 1500, about: 'requests a second of the third part' },
    bytes: { default: 500, about: 'bytes of an event as structured JSON' },
    keys: { default: 1000, about: 'business keys' },
  },
  async run(context) {
    const { ground, size } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const connections = size('connections');
    const single: Manner = { about: 'one event a request', connections, perRequest: 1 };
    const batches: Manner = { about: `${size('batch')} events a request`, connections, perRequest: size('batch') };
    const steady: Manner = { ...single, about: 'one event a request, open loop', perSecond: size('rate') };
    const through = { name: 'gateway', pid: gateway.pid, ...(await ground.door()) };
    const targets = { rate: atLeast(15_000), perCpuSecond: atLeast(15_000) };
    await measurePublishing(context, through, { ...single, ...targets });
    await measurePublishing(context, through, { ...batches, rate: atLeast(60_000), perCpuSecond: atLeast(60_000) });
    await measurePublishing(context, through, { ...steady, p50: atMost(1) });

    const bare = ground.worker<BarePublish>('bare-publish');
    const port = await bare.ask('start', { brokers: ground.stack.kafkaBrokers });
    const beside = { name: 'bare loop', pid: bare.pid, port, authorization: '' };
    for (const manner of [single, batches]) await measurePublishing(context, beside, manner, 1);
  },
};

/** Publishes in one manner through one door, as often as the bench is run, and reports what came of it. */
export async function measurePublishing(
  { ground, report, size }: BenchContext,
  { name, pid, ...door }: { name: string; pid: number } & HttpDoor,
  manner: Manner,
  times = size('runs'),
): Promise<void> {
  const { connections, perRequest, perSecond, at } = manner;
  const load = ground.worker<PublishLoad>('publish-load');
  const asked = { ...door, connections, perRequest, eventBytes: size('bytes'), keys: size('keys') };
  await load.ask('open', at === undefined ? asked : { ...asked, at });
  const pace = perSecond === undefined ? {} : { perSecond };
  await load.ask('load', { seconds: size('warm-up'), ...pace });
  const runs: Run[] = await repeated(times, () =>
    metered(ground, pid, () => load.ask('load', { seconds: size('seconds'), ...pace })),
  );
  await load.stop();
  const loop = perSecond === undefined ? '' : ` of ${perSecond} a second`;
  report.section(
    `${name}: ${manner.about}${loop}, ${connections} connections, ${size('bytes')} bytes, ${size('keys')} keys`,
  );
  for (const { result } of runs) {
    const refused = Object.entries(result.refused).map(([status, count]) => `${count} answered ${status}`);
    if (refused.length > 0) report.fault(`refused: ${refused.join(', ')}`);
  }
  const events = runs.map(({ result }) => result.accepted * perRequest);
  const rates = runs.map(({ result }, index) => (events[index] ?? 0) / result.seconds);
  const perCpuSecond = runs.map(({ spent }, index) => (events[index] ?? 0) / spent.cpuSeconds);
  const what = perRequest === 1 ? 'requests' : 'events';
  report.figure({ label: 'rate', values: rates, unit: `${what}/s`, target: manner.rate });
  report.figure({
    label: `per CPU-second of the ${name}`,
    values: perCpuSecond,
    unit: what,
    target: manner.perCpuSecond,
  });
  for (const percent of [50, 99]) report.figure(latency(runs, percent, percent === 50 ? manner.p50 : undefined));
  reportCost(
    report,
    name,
    runs.map(({ spent }) => spent),
    events,
    'events',
  );
}

function latency(runs: readonly Run[], percent: number, target: Target | undefined): Figure {
  const values = runs.map(({ result }) => Latencies.of(result.latencies).percentileMs(percent));
  return { label: `request p${percent}`, values, unit: 'ms', target };
}
