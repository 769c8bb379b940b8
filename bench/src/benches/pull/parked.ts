import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '@heddle/infra';
import type { BenchContext } from '../../bench.js';
import { fillTopic } from '../../fill-topic.js';
import type { GatewayClient } from '../../gateway-client.js';
import { Latencies } from '../../latencies.js';
import { metered } from '../../meter.js';
import { costOf } from '../../process-cost.js';
import { atMost } from '../../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../../sample-event.js';
import type { QueueParking } from '../../workers/queue-parking.js';

const QUEUE = 'parked';
const CONNECTIONS = 8;
const RESTART_PATIENCE_MS = 60_000;
/** After the last one is due, those that are late are waited for. */
const LATEST_MS = 60_000;
const MEBIBYTE = 1024 * 1024;

/** Releases a backlog until later, kills the gateway, starts it again, and receives what becomes due. */
export async function parked(context: BenchContext, gateway: Running): Promise<void> {
  const { ground, report, size } = context;
  const count = size('count');
  const client = await ground.client();
  const definition = { types: [EVENT_TYPE], topics: [EVENT_TOPIC], order: 'none', maxInFlight: 20_000 };
  await client.put('queues', QUEUE, definition);
  await fillTopic(context, count);

  const receiver = ground.worker<QueueParking>('queue-parking');
  const connections = { ...(await ground.door()), queue: QUEUE, connections: CONNECTIONS };
  const work = { ...connections, perRequest: size('batch'), events: count };
  const fromMs = Date.now() + size('lead') * 1000;
  const toMs = fromMs + size('spread') * 1000;
  const { result, spent } = await metered(
    ground,
    gateway.pid,
    () => receiver.ask('park', { ...work, fromMs, toMs, timeoutMs: size('lead') * 1000 }),
    { receiver: receiver.pid },
  );
  report.section(`${count} deliveries released, due over ${size('spread')} s`);
  report.figure({ label: 'parking', values: [result / spent.seconds], unit: 'releases/s' });
  report.figure({ label: 'gateway, a release', values: [(spent.cpuSeconds / result) * 1_000_000], unit: 'µs of CPU' });
  report.figure({ label: 'gateway, memory (RSS)', values: [spent.rssBytes / MEBIBYTE], unit: 'MiB' });
  if (result < count) report.fault(`${count - result} of ${count} were not parked in ${size('lead')} s`);
  const before = await client.statistics(QUEUE);

  gateway.kill();
  await gateway.exited;
  const begun = performance.now();
  const restarted = await ground.app('gateway', context.measuredEnv);
  const readySeconds = (performance.now() - begun) / 1000;
  const after = await knownAgain(client, heldIn(before));
  const knownSeconds = (performance.now() - begun) / 1000;
  report.section('killed and started again');
  report.figure({ label: 'restart to ready', values: [readySeconds], unit: 's', target: atMost(15) });
  report.figure({ label: 'restart to as many held as before', values: [knownSeconds], unit: 's', target: atMost(15) });
  report.figure({ label: 'gateway, memory (RSS)', values: [costOf(restarted.pid).rssBytes / MEBIBYTE], unit: 'MiB' });
  report.note(`held before ${heldIn(before)}, parked ${before['parked']}; after ${after}`);
  if (after !== heldIn(before)) report.fault(`${heldIn(before)} were held before the restart, ${after} after it`);
  if (Date.now() > fromMs) report.note('some were due before the gateway was there again: their lateness says so');

  const timeoutMs = toMs - Date.now() + LATEST_MS;
  const { result: had, spent: taking } = await metered(
    ground,
    restarted.pid,
    () => receiver.ask('take', { ...work, timeoutMs }),
    { receiver: receiver.pid },
  );
  await receiver.stop();
  const lateness = Latencies.of(had.lateness);
  report.section(`they become due, ${Math.round(count / size('spread'))} a second`);
  report.figure({ label: 'had after they were due p50', values: [lateness.percentileMs(50)], unit: 'ms' });
  report.figure({
    label: 'had after they were due p99',
    values: [lateness.percentileMs(99)],
    unit: 'ms',
    target: atMost(1000),
  });
  report.figure({ label: 'had after they were due, worst', values: [lateness.percentileMs(100)], unit: 'ms' });
  report.figure({ label: 'gateway', values: [taking.cpuSeconds / taking.seconds], unit: 'CPU-s a second' });
  report.figure({ label: 'gateway, memory (RSS)', values: [taking.rssBytes / MEBIBYTE], unit: 'MiB' });
  if (had.early > 0) report.fault(`${had.early} were had before they were due`);
  if (had.strangers > 0) report.fault(`${had.strangers} came twice`);
  if (had.taken < result) {
    report.fault(`${result - had.taken} of ${result} did not come`);
    report.note(JSON.stringify(await client.statistics(QUEUE)));
  }
}

/** Deliveries of a queue that are not done with. */
function heldIn({ ready = 0, leased = 0, waiting = 0 }: Record<string, number>): number {
  return ready + leased + waiting;
}

/** Resolves with what the queue holds once that is as many as it should be, or after a while. */
async function knownAgain(client: GatewayClient, expected: number): Promise<number> {
  const deadline = performance.now() + RESTART_PATIENCE_MS;
  for (;;) {
    // Until its slot is taken over, the queue has no statistics.
    const held = await client.statistics(QUEUE).then(heldIn, () => -1);
    if (held === expected || performance.now() > deadline) return held;
    await delay(50);
  }
}
