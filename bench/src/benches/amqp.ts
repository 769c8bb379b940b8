import { loadavg } from 'node:os';
import { type Bench, repeated, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import { Latencies } from '../latencies.js';
import { metered, ofStack, reportCost } from '../meter.js';
import { atLeast } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { AmqpReceive } from '../workers/amqp-receive.js';

const PATIENCE_MS = 60_000;

/** A queue over AMQP 1.0 on WebSockets, to a client that is not ours. */
export const amqp: Bench = {
  name: 'amqp',
  measures:
    'deliveries of a backlog over AMQP 1.0 on WebSockets, each settled when the gateway has answered it as durable',
  options: {
    runs: runOptions(0, 3).runs,
    events: { default: 250_000, about: 'events in the topic', quick: 60_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
    sockets: { default: 4, about: 'connections that share what is in flight' },
    'in-flight': { default: 8000, about: 'deliveries leased at once' },
  },
  async run(context) {
    const { ground, report, size } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    await fillTopic(context, size('events'));
    const receiver = ground.worker<AmqpReceive>('amqp-receive');
    const client = await ground.client();
    const door = await ground.door();
    const run = async (index: number) => {
      const queue = `over-amqp-${index}`;
      await client.put('queues', queue, {
        types: [EVENT_TYPE],
        topics: [EVENT_TOPIC],
        order: 'none',
        start: 'earliest',
        maxInFlight: size('in-flight') * 2,
      });
      const work = () =>
        receiver.ask('work', {
          ...door,
          queue,
          connections: size('sockets'),
          credit: Math.floor(size('in-flight') / size('sockets')),
          events: size('events'),
          timeoutMs: PATIENCE_MS,
        });
      const { result, spent } = await metered(ground, gateway.pid, work, { receiver: receiver.pid });
      await client.delete('queues', queue);
      return { settled: result, spent };
    };
    await run(0);
    const runs = await repeated(size('runs'), (index) => run(index + 1));
    report.section(`${size('sockets')} connections with ${size('in-flight')} in flight together; the client is rhea`);
    report.figure({
      label: 'rate',
      values: runs.map(({ settled: { settled, seconds } }) => settled / seconds),
      unit: 'settled/s',
      target: atLeast(25_000),
    });
    report.figure({
      label: 'per CPU-second, gateway and broker',
      values: runs.map(({ settled, spent }) => settled.settled / ofStack(spent)),
      unit: 'settled',
    });
    for (const percent of [50, 99]) {
      const values = runs.map(({ settled }) => Latencies.of(settled.latencies).percentileMs(percent));
      report.figure({ label: `settle to durable p${percent}`, values, unit: 'ms' });
    }
    const counts = runs.map(({ settled }) => settled.settled);
    reportCost(
      report,
      'gateway',
      runs.map(({ spent }) => spent),
      counts,
      'settled',
    );
    report.note(`load average ${loadavg()[0]?.toFixed(1)}`);
    for (const { settled } of runs) {
      if (settled.settled < size('events')) report.fault(`${size('events') - settled.settled} were not settled`);
      if (settled.refused > 0) report.fault(`${settled.refused} settlements were refused`);
    }
    await receiver.stop();
  },
};
