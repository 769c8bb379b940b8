import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, repeated, runOptions } from '../bench.js';
import { metered } from '../meter.js';
import { atMost } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { EventAppend } from '../workers/event-append.js';
import type { Missed, Recovery, StreamReceivers } from '../workers/stream-receivers.js';
import { reportLoad } from './webhooks/deliveries.js';

const PATIENCE_MS = 60_000;
/** Events go on for so long before the connections are dropped. */
const BEFORE_MS = 3000;

interface Run extends Recovery, Missed {
  expected: number;
  cpuSeconds: number;
}

/** Live streams whose connections all end at once. */
export const stream: Bench = {
  name: 'stream',
  measures: 'WebSockets of a live stream, all dropped at once, until each has everything again by its token',
  options: {
    ...runOptions(15, 3),
    sockets: { default: 5000, about: 'WebSockets', quick: 500 },
    rate: { default: 20, about: 'events a second, that each of them gets' },
    bytes: { default: 870, about: 'bytes of an event as it would be published' },
    keys: { default: 1000, about: 'business keys' },
  },
  async run(context) {
    const { ground, report, size } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const source = ground.worker<EventAppend>('event-append');
    const { kafkaBrokers: brokers, registryUrl } = ground.stack;
    await source.ask('connect', { brokers, registryUrl });
    const load = {
      topic: EVENT_TOPIC,
      perSecond: size('rate'),
      seconds: size('seconds'),
      keys: size('keys'),
      eventBytes: size('bytes'),
    };
    const target = {
      ...(await ground.door()),
      path: `/v1/stream?types=${EVENT_TYPE}`,
      sockets: size('sockets'),
      events: Math.round(load.perSecond * load.seconds),
    };
    const run = async (): Promise<Run> => {
      const receivers = ground.worker<StreamReceivers>('stream-receivers');
      await receivers.ask('open', target);
      const work = async () => {
        const appending = source.ask('append', load);
        await delay(BEFORE_MS);
        const recovery = await receivers.ask('drop', undefined);
        const events = await appending;
        const madeBefore = recovery.openMicros;
        const missed = await receivers.ask('until', { events, madeBefore, timeoutMs: PATIENCE_MS });
        return { ...recovery, ...missed, expected: events * target.sockets };
      };
      const { result, spent } = await metered(ground, gateway.pid, work);
      await receivers.stop();
      return { ...result, cpuSeconds: spent.cpuSeconds };
    };
    const runs = await repeated(size('runs'), run);
    report.section(`${target.sockets} WebSockets dropped at once, while ${load.perSecond} events/s go on`);
    const since = (value: (run: Run) => number): number[] =>
      runs.map((one) => (value(one) - one.droppedMicros) / 1_000_000);
    report.figure({ label: 'all are open again after', values: since(({ openMicros }) => openMicros), unit: 's' });
    report.figure({
      label: 'all have everything after',
      values: since(({ openMicros, wholeMicros }) => Math.max(openMicros, wholeMicros)),
      unit: 's',
      target: atMost(5),
    });
    report.figure({ label: 'lost', values: runs.map(({ lost }) => lost), unit: 'deliveries', target: atMost(0) });
    report.figure({ label: 'came twice', values: runs.map(({ duplicates }) => duplicates), unit: 'deliveries' });
    const share = runs.map(({ cpuSeconds, expected }) => (cpuSeconds / expected) * 1_000_000);
    report.figure({ label: 'gateway, a delivery', values: share, unit: 'µs of CPU' });
    reportLoad(report);
    for (const { lost, expected } of runs) if (lost > 0) report.fault(`${lost} of ${expected} did not come`);
  },
};
