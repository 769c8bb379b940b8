import { loadavg } from 'node:os';
import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, ofStack, reportCost } from '../meter.js';
import { RabbitMq } from '../rabbitmq.js';
import { atLeast } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { Worker } from '../worker.js';
import type { AmqpPlace, AmqpReceive } from '../workers/amqp-receive.js';
import type { Settled } from '../workers/queue-pull.js';

const PATIENCE_MS = 60_000;

interface Run {
  settled: Settled;
  spent: Spent;
}

/** A queue over AMQP 1.0, to a client that is not ours. */
export const amqp: Bench = {
  name: 'amqp',
  measures:
    'deliveries of a backlog over AMQP 1.0 on WebSockets, each settled when the gateway has answered it as durable',
  parts: ['deliver', 'rabbitmq'],
  options: {
    runs: runOptions(0, 3).runs,
    events: { default: 250_000, about: 'events in the topic', quick: 60_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
    sockets: { default: 4, about: 'connections that share what is in flight' },
    'in-flight': { default: 8000, about: 'deliveries leased at once' },
  },
  async run(context) {
    const { ground, wants } = context;
    const receiver = ground.worker<AmqpReceive>('amqp-receive');
    if (wants('deliver')) await delivering(context, receiver);
    if (wants('rabbitmq')) await beside(context, receiver);
    context.report.note(`load average ${loadavg()[0]?.toFixed(1)}`);
    await receiver.stop();
  },
};

async function delivering(context: BenchContext, receiver: Worker<AmqpReceive>): Promise<void> {
  const { ground, report, size } = context;
  const gateway = await ground.app('gateway', context.measuredEnv);
  await fillTopic(context, size('events'));
  const client = await ground.client();
  const place = { ...(await ground.door()), overWebSocket: true };
  const run = async (index: number): Promise<Run> => {
    const queue = `over-amqp-${index}`;
    await client.put('queues', queue, {
      types: [EVENT_TYPE],
      topics: [EVENT_TOPIC],
      order: 'none',
      start: 'earliest',
      maxInFlight: size('in-flight') * 2,
    });
    const measured = await receive(context, receiver, gateway.pid, { ...place, source: `queue:${queue}` });
    await client.delete('queues', queue);
    return measured;
  };
  await run(0);
  const runs = await repeated(size('runs'), (index) => run(index + 1));
  report.section(`${size('sockets')} connections with ${size('in-flight')} in flight together; the client is rhea`);
  reportRuns(context, runs, 'gateway');
  for (const percent of [50, 99]) {
    const values = runs.map(({ settled }) => Latencies.of(settled.latencies).percentileMs(percent));
    report.figure({ label: `settle to durable p${percent}`, values, unit: 'ms' });
  }
  for (const { settled } of runs) {
    if (settled.settled < size('events')) report.fault(`${size('events') - settled.settled} were not settled`);
    if (settled.refused > 0) report.fault(`${settled.refused} settlements were refused`);
  }
}

/** The same client, for RabbitMQ over TCP with durable messages in a durable queue, where it is installed. */
async function beside(context: BenchContext, receiver: Worker<AmqpReceive>): Promise<void> {
  const { report, size } = context;
  report.section('RabbitMQ, over TCP: durable messages, not answered when they are settled');
  if (!RabbitMq.isInstalled) return report.note('is not installed (Debian: rabbitmq-server): not compared');
  const peer = await RabbitMq.start();
  try {
    const place = { port: peer.port, authorization: '', overWebSocket: false };
    const run = async (index: number): Promise<Run> => {
      const address = `/queue/bench-${index}`;
      await receiver.ask('fill', { ...place, target: address, events: size('events'), bytes: size('bytes') });
      return receive(context, receiver, peer.pid, { ...place, source: address });
    };
    await run(0);
    const runs = await repeated(size('runs'), (index) => run(index + 1));
    reportRuns(context, runs, 'RabbitMQ');
    for (const { settled } of runs) {
      if (settled.settled < size('events')) report.note(`${size('events') - settled.settled} were not delivered`);
    }
  } finally {
    await peer.stop();
  }
}

async function receive(
  { ground, size }: BenchContext,
  receiver: Worker<AmqpReceive>,
  pid: number,
  place: AmqpPlace & { source: string },
): Promise<Run> {
  const sockets = size('sockets');
  const credit = Math.floor(size('in-flight') / sockets);
  const wish = { ...place, connections: sockets, credit, events: size('events'), timeoutMs: PATIENCE_MS };
  const { result: settled, spent } = await metered(ground, pid, () => receiver.ask('work', wish), {
    receiver: receiver.pid,
  });
  return { settled, spent };
}

function reportRuns({ report }: BenchContext, runs: readonly Run[], name: 'gateway' | 'RabbitMQ'): void {
  const isOurs = name === 'gateway';
  const rates = runs.map(({ settled: { settled, seconds } }) => settled / seconds);
  report.figure({
    label: 'rate',
    values: rates,
    unit: 'settled/s',
    ...(isOurs ? { target: atLeast(25_000) } : {}),
  });
  const cost = ({ spent }: Run): number => (isOurs ? ofStack(spent) : spent.cpuSeconds);
  report.figure({
    label: isOurs ? 'per CPU-second, gateway and broker' : 'per CPU-second',
    values: runs.map((one) => one.settled.settled / cost(one)),
    unit: 'settled',
  });
  const counts = runs.map(({ settled }) => settled.settled);
  reportCost(
    report,
    name,
    runs.map(({ spent }) => spent),
    counts,
    'settled',
  );
}
