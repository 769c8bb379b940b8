import { BARE_TOPIC } from '../bare-topic.js';
import { type Bench, type BenchContext, repeated } from '../bench.js';
import { type Spent, metered, reportCost } from '../meter.js';
import { type Target, atLeast, median } from '../report.js';
import type { BareConsume } from '../workers/bare-consume.js';
import type { BareInbox } from '../workers/bare-inbox.js';
import type { Pass, Passed } from '../workers/consumed.js';
import type { EventAppend } from '../workers/event-append.js';
import type { HeddleConsume } from '../workers/heddle-consume.js';
import type { HeddleInbox } from '../workers/heddle-inbox.js';
import type { NestConsume } from '../workers/nest-consume.js';
import type { NestHeddleConsume } from '../workers/nest-heddle-consume.js';

interface Way {
  name: string;
  pid: number;
  /** The loop that it is compared with; that loop itself when left out. */
  beside?: string;
  /** Of the events; what is slow need not have them all. */
  share: number;
  pass(what: Pass): Promise<Passed>;
  rate?: Target;
  /** Of what the bare loop does per CPU-second. */
  ofBare?: Target;
}

interface Run {
  passed: Passed;
  spent: Spent;
}

const NEST_SHARE = 0.1;
const INBOX_SHARE = 0.05;
const BARE = 'kafkajs eachBatch + avsc';
const BARE_INBOX = `${BARE} + pg, a transaction each`;

/** Everything in a topic handled by a group, in several ways that take turns. */
export const consume: Bench = {
  name: 'consume',
  measures: 'events of 8 keys from the topic to a typed handler',
  parts: ['plain', 'nest', 'inbox'],
  options: {
    runs: { default: 3, about: 'runs; the median counts', quick: 1 },
    events: { default: 600_000, about: 'events of a run', quick: 100_000 },
    bytes: { default: 500, about: 'bytes of an event as structured JSON' },
    keys: { default: 8, about: 'business keys' },
  },
  async run(context) {
    const { ground, report, size } = context;
    const { kafkaBrokers: brokers, registryUrl } = ground.stack;
    const source = ground.worker<EventAppend>('event-append');
    await source.ask('connect', { brokers, registryUrl });
    const sizes = { events: size('events'), keys: size('keys'), eventBytes: size('bytes') };
    await source.ask('fill', { topic: BARE_TOPIC, ...sizes });
    await source.stop();

    const ways = waysOf(context);
    const runs = new Map<Way, Run[]>(ways.map((way) => [way, []]));
    let passes = 0;
    const once = async (way: Way): Promise<Run> => {
      const events = Math.round(size('events') * way.share);
      const group = `bench-${(passes += 1)}`;
      const work = () => way.pass({ brokers, registryUrl, topic: BARE_TOPIC, group, events });
      const { result: passed, spent } = await metered(ground, way.pid, work);
      return { passed, spent };
    };
    // The first round makes each way warm, and is not counted.
    for (const way of ways) await once(way);
    await repeated(size('runs'), async () => {
      for (const way of ways) runs.get(way)?.push(await once(way));
    });
    report.section(`${size('events')} events of ${size('bytes')} bytes, ${size('keys')} keys`);
    const bareRates = new Map([...runs].map(([{ name }, own]) => [name, median(perCpuSecond(own))]));
    for (const [way, own] of runs) reportWay(context, way, own, bareRates.get(way.beside ?? ''));
  },
};

function waysOf(context: BenchContext): Way[] {
  const { wants } = context;
  const [bare, ...plain] = wants('plain') || wants('nest') ? plainWays(context) : [];
  const beside: Way[] = [];
  if (wants('plain')) beside.push(...plain);
  if (wants('nest')) beside.push(...nestWays(context));
  const compared = beside.length === 0 || bare === undefined ? [] : [bare, ...beside];
  return wants('inbox') ? [...compared, ...inboxWays(context)] : compared;
}

function plainWays({ ground, measuredArgs }: BenchContext): Way[] {
  const heddle = ground.worker<HeddleConsume>('heddle-consume', measuredArgs);
  const bare = ground.worker<BareConsume>('bare-consume');
  const byHeddle = (isAsync: boolean) => (what: Pass) => heddle.ask('consume', { ...what, isAsync });
  const own = { pid: heddle.pid, share: 1, beside: BARE };
  return [
    { name: BARE, pid: bare.pid, share: 1, pass: (what) => bare.ask('consume', what) },
    {
      ...own,
      name: 'consume, an async handler',
      pass: byHeddle(true),
      rate: atLeast(120_000),
      ofBare: atLeast(0.7),
    },
    { ...own, name: 'consume, a handler that returns at once', pass: byHeddle(false) },
  ];
}

function nestWays({ ground }: BenchContext): Way[] {
  const nest = ground.worker<NestConsume>('nest-consume');
  const nestHeddle = ground.worker<NestHeddleConsume>('nest-heddle-consume');
  return [
    {
      name: '@EventPattern on our strategy',
      pid: nestHeddle.pid,
      share: 1,
      beside: BARE,
      pass: (what) => nestHeddle.ask('consume', what),
    },
    {
      name: '@EventPattern on Nest’s own transport',
      pid: nest.pid,
      share: NEST_SHARE,
      beside: BARE,
      pass: (what) => nest.ask('consume', what),
    },
  ];
}

/** What an effect in a database costs is mostly the database. */
function inboxWays({ ground, measuredArgs }: BenchContext): Way[] {
  const heddle = ground.worker<HeddleInbox>('heddle-inbox', measuredArgs);
  const bare = ground.worker<BareInbox>('bare-inbox');
  const { databaseUrl } = ground.stack;
  return [
    {
      name: BARE_INBOX,
      pid: bare.pid,
      share: INBOX_SHARE,
      pass: (what) => bare.ask('consume', { ...what, databaseUrl }),
    },
    {
      name: 'mesh.inbox.once',
      pid: heddle.pid,
      share: INBOX_SHARE,
      beside: BARE_INBOX,
      pass: (what) => heddle.ask('consume', { ...what, databaseUrl }),
    },
  ];
}

function reportWay(
  { report }: BenchContext,
  { name, rate, ofBare }: Way,
  runs: readonly Run[],
  bareRate: number | undefined,
): void {
  report.section(name);
  const rates = runs.map(({ passed }) => passed.handled / passed.seconds);
  const perSecond = perCpuSecond(runs);
  report.figure({ label: 'rate', values: rates, unit: 'events/s', target: rate });
  report.figure({ label: 'per CPU-second', values: perSecond, unit: 'events' });
  if (bareRate !== undefined) {
    const times = perSecond.map((each) => each / bareRate);
    report.figure({ label: 'times the loop by hand', values: times, unit: 'times', target: ofBare });
  }
  const counts = runs.map(({ passed }) => passed.handled);
  reportCost(
    report,
    'consumer',
    runs.map(({ spent }) => spent),
    counts,
    'events',
  );
}

function perCpuSecond(runs: readonly Run[]): number[] {
  return runs.map(({ passed, spent }) => passed.handled / spent.cpuSeconds);
}
