import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { BARE_TOPIC } from '../bare-topic.js';
import type { HttpDoor } from '../http-door.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, reportCost } from '../meter.js';
import { atLeast, atMost } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { Worker } from '../worker.js';
import type { BareFanOut } from '../workers/bare-fan-out.js';
import type { EventAppend } from '../workers/event-append.js';
import type { Received, WebsocketSinks } from '../workers/websocket-sinks.js';

/** Messages a second, and what fan-out is to reach there. */
const STEPS = [
  { perSecond: 100, deliveries: 230_000, p99Ms: 7 },
  { perSecond: 400, deliveries: 400_000, p99Ms: 25 },
  { perSecond: 800, deliveries: 1_000_000, p99Ms: 35 },
] as const;

const SAMPLED_SOCKETS = 50;
/** How long after the last append deliveries are waited for. */
const PATIENCE_MS = 10_000;

interface Door extends HttpDoor {
  name: string;
  pid: number;
  path: string;
  topic: string;
}

/** Fan-out of one topic to many WebSockets, through the gateway and through a bare loop. */
export const fanOut: Bench = {
  name: 'fan-out',
  measures: 'topic to WebSockets, each event to each of many clients on GET /v1/stream',
  options: {
    ...runOptions(4, 3),
    sockets: { default: 1000, about: 'WebSockets' },
    sinks: { default: 1, about: 'processes that hold them' },
    bytes: { default: 500, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
  },
  async run(context) {
    const { ground } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const source = ground.worker<EventAppend>('event-append');
    const { kafkaBrokers: brokers, registryUrl } = ground.stack;
    await source.ask('connect', { brokers, registryUrl });
    const path = `/v1/stream?types=${EVENT_TYPE}`;
    await measure(context, source, {
      name: 'gateway',
      ...(await ground.door()),
      pid: gateway.pid,
      path,
      topic: EVENT_TOPIC,
    });

    const bare = ground.worker<BareFanOut>('bare-fan-out');
    const port = await bare.ask('start', { brokers });
    await measure(context, source, {
      name: 'bare loop',
      port,
      authorization: '',
      pid: bare.pid,
      path: '/',
      topic: BARE_TOPIC,
    });
  },
};

async function measure(context: BenchContext, source: Worker<EventAppend>, door: Door): Promise<void> {
  const { ground, report, size } = context;
  const { port, authorization } = door;
  const count = size('sinks');
  const sockets = Math.floor(size('sockets') / count);
  const sinks = Array.from({ length: count }, () => ground.worker<WebsocketSinks>('websocket-sinks'));
  const sampleEvery = Math.max(1, Math.floor((sockets * count) / SAMPLED_SOCKETS));
  await Promise.all(
    sinks.map((sink) => sink.ask('open', { port, authorization, path: door.path, sockets, sampleEvery })),
  );
  const isGateway = door.name === 'gateway';
  for (const { perSecond, deliveries, p99Ms } of STEPS) {
    const load = { topic: door.topic, perSecond, keys: size('keys'), eventBytes: size('bytes') };
    const run = (seconds: number) =>
      metered(ground, door.pid, () => oneRun(source, sinks, sockets, { ...load, seconds }));
    await run(size('warm-up') / 2);
    const runs = await repeated(isGateway ? size('runs') : 1, () => run(size('seconds')));
    const spent = runs.map((each) => each.spent);
    const received = runs.map((each) => each.result);
    report.section(`${door.name}: ${perSecond} messages/s to ${sockets * count} WebSockets`);
    const perCpuSecond = received.map(({ messages }, index) => messages / (spent[index]?.cpuSeconds ?? 0));
    const targets = isGateway ? { deliveries: atLeast(deliveries), p99: atMost(p99Ms) } : undefined;
    report.figure({
      label: `per CPU-second of the ${door.name}`,
      values: perCpuSecond,
      unit: 'deliveries',
      target: targets?.deliveries,
    });
    for (const percent of [50, 99]) {
      const values = received.map(({ latencies }) => Latencies.of(...latencies).percentileMs(percent));
      report.figure({
        label: `append to arrival p${percent}`,
        values,
        unit: 'ms',
        target: percent === 99 ? targets?.p99 : undefined,
      });
    }
    const expected = Math.round(perSecond * size('seconds')) * sockets * count;
    reportRest(context, door.name, spent, received, expected);
    if (received.every(({ messages }) => messages >= expected)) continue;
    // What is still on its way would be counted in the next step.
    report.note('It did not keep up: no further steps.');
    break;
  }
  await Promise.all(sinks.map((sink) => sink.stop()));
}

interface AllReceived extends Omit<Received, 'latencies'> {
  latencies: string[];
}

/** Appends for a time, and waits until every socket had every event. */
async function oneRun(
  source: Worker<EventAppend>,
  sinks: readonly Worker<WebsocketSinks>[],
  sockets: number,
  load: Parameters<EventAppend['append']>[0],
): Promise<AllReceived> {
  await Promise.all(sinks.map((sink) => sink.ask('begin', undefined)));
  const events = await source.ask('append', load);
  const expected = { messages: events * sockets, timeoutMs: PATIENCE_MS };
  const received = await Promise.all(sinks.map((sink) => sink.ask('until', expected)));
  const sum = (of: (each: Received) => number): number => received.reduce((total, each) => total + of(each), 0);
  return {
    messages: sum(({ messages }) => messages),
    bytes: sum(({ bytes }) => bytes),
    cut: sum(({ cut }) => cut),
    latencies: received.map(({ latencies }) => latencies),
  };
}

function reportRest(
  { report }: BenchContext,
  name: string,
  spent: readonly Spent[],
  received: readonly AllReceived[],
  expected: number,
): void {
  const rates = received.map(({ messages }, index) => messages / (spent[index]?.seconds ?? 0));
  report.figure({ label: 'deliveries', values: rates, unit: 'deliveries/s' });
  const bytes = received.map((each) => each.bytes / each.messages);
  report.figure({ label: 'bytes of a delivery', values: [Math.max(...bytes)], unit: 'bytes' });
  reportCost(
    report,
    name,
    spent,
    received.map(({ messages }) => messages),
    'deliveries',
  );
  // The bare loop may fail at what is asked of the gateway.
  const say = (text: string): void => (name === 'gateway' ? report.fault(text) : report.note(text));
  for (const { messages, cut } of received) {
    if (messages !== expected) say(`${messages} deliveries came, not ${expected}`);
    if (cut > 0) say(`${cut} connections were cut`);
  }
}
