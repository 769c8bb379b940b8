import { loadavg } from 'node:os';
import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, ofStack, reportCost } from '../meter.js';
import { type Target, atLeast } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { QueuePull, Settled } from '../workers/queue-pull.js';
import type { QueueSocket } from '../workers/queue-socket.js';
import { parked } from './pull/parked.js';

const PATIENCE_MS = 60_000;

interface Run {
  settled: Settled;
  spent: Spent;
}

/** Receivers that come and ask. */
export const pull: Bench = {
  name: 'pull',
  measures: 'deliveries leased and settled by receivers that ask for them, over HTTP and over WebSocket',
  parts: ['http', 'websocket', 'parked'],
  options: {
    runs: runOptions(0, 3).runs,
    events: { default: 250_000, about: 'events in the topic', quick: 60_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
    'in-flight': { default: 10_000, about: 'deliveries leased at once' },
    batch: { default: 500, about: 'deliveries of one request over HTTP' },
    sockets: { default: 4, about: 'WebSockets that share what is in flight' },
    count: { default: 1_000_000, about: 'deliveries that are parked', quick: 20_000 },
    lead: { default: 150, about: 'seconds to park them and to restart, before the first is due', quick: 30 },
    spread: { default: 180, about: 'seconds over which they become due', quick: 20 },
  },
  async run(context) {
    const { size, wants } = context;
    const gateway = await context.ground.app('gateway', context.measuredEnv);
    if (wants('http') || wants('websocket')) {
      await fillTopic(context, size('events'));
      await drained(context, gateway.pid);
    }
    // Last, because the process is another afterwards.
    if (wants('parked')) await parked(context, gateway);
  },
};

/** A backlog, over each of the two ways. */
async function drained(context: BenchContext, pid: number): Promise<void> {
  const { ground, size } = context;
  const all = { ...(await ground.door()), events: size('events'), timeoutMs: PATIENCE_MS };
  if (context.wants('http')) {
    const receiver = ground.worker<QueuePull>('queue-pull');
    const connections = Math.max(1, Math.round(size('in-flight') / size('batch')));
    const work = (queue: string) => receiver.ask('work', { ...all, queue, connections, perRequest: size('batch') });
    const about = `HTTP: ${connections} connections, each receives and settles ${size('batch')} at a time`;
    await measure(context, pid, about, receiver.pid, work, atLeast(60_000));
    await receiver.stop();
  }
  if (context.wants('websocket')) {
    const receiver = ground.worker<QueueSocket>('queue-socket');
    const connections = size('sockets');
    const credit = Math.floor(size('in-flight') / connections);
    const work = (queue: string) => receiver.ask('work', { ...all, queue, connections, credit });
    const about = `WebSocket: ${connections} connections with ${credit} in flight each`;
    await measure(context, pid, about, receiver.pid, work, atLeast(40_000));
    await receiver.stop();
  }
}

async function measure(
  { ground, report, size }: BenchContext,
  pid: number,
  about: string,
  receiver: number,
  work: (queue: string) => Promise<Settled>,
  rate: Target,
): Promise<void> {
  const client = await ground.client();
  const run = async (index: number): Promise<Run> => {
    const queue = `pulled-${index}`;
    await client.put('queues', queue, {
      types: [EVENT_TYPE],
      topics: [EVENT_TOPIC],
      order: 'none',
      start: 'earliest',
      maxInFlight: size('in-flight') * 2,
    });
    const { result, spent } = await metered(ground, pid, () => work(queue), { receiver });
    await client.delete('queues', queue);
    return { settled: result, spent };
  };
  await run(0);
  const runs = await repeated(size('runs'), (index) => run(index + 1));
  const each = (value: (one: Run) => number): number[] => runs.map(value);
  report.section(about);
  report.figure({
    label: 'rate',
    values: each(({ settled: { settled, seconds } }) => settled / seconds),
    unit: 'settled/s',
    target: rate,
  });
  report.figure({
    label: 'per CPU-second, gateway and broker',
    values: each(({ settled, spent }) => settled.settled / ofStack(spent)),
    unit: 'settled',
  });
  for (const percent of [50, 99]) {
    const values = each(({ settled }) => Latencies.of(settled.latencies).percentileMs(percent));
    report.figure({ label: `settle to durable p${percent}`, values, unit: 'ms' });
  }
  const spent = runs.map((one) => one.spent);
  const counts = each(({ settled }) => settled.settled);
  reportCost(report, 'gateway', spent, counts, 'settled');
  report.note(`load average ${loadavg()[0]?.toFixed(1)}`);
  for (const { settled } of runs) {
    if (settled.settled < size('events')) report.fault(`${size('events') - settled.settled} were not settled`);
    if (settled.refused > 0) report.fault(`${settled.refused} settlements were refused`);
  }
}
