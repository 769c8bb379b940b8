import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '@heddle/infra';
import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, ofStack, reportCost } from '../meter.js';
import { costOf } from '../process-cost.js';
import { atLeast } from '../report.js';
import { EVENT_TOPIC, EVENT_TYPE } from '../sample-event.js';
import type { Done, MqttLoad, MqttPlace } from '../workers/mqtt-load.js';

const PATIENCE_MS = 60_000;
const PEER = '/usr/sbin/mosquitto';

/** MQTT 3.1.1 with QoS 1. */
export const mqtt: Bench = {
  name: 'mqtt',
  measures: 'messages of QoS 1 over MQTT on WebSocket: published until their PUBACK, and delivered and acknowledged',
  parts: ['publish', 'deliver', 'mosquitto'],
  options: {
    ...runOptions(10, 3),
    connections: { default: 4, about: 'connections' },
    window: { default: 500, about: 'messages without a PUBACK at once, on each connection' },
    bytes: { default: 256, about: 'bytes of a message that is published' },
    events: { default: 150_000, about: 'events in the topic, to be delivered', quick: 30_000 },
  },
  async run(context) {
    const { ground, wants } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const place: MqttPlace = { ...(await ground.door()), overWebSocket: true };
    if (wants('publish')) await publishing(context, gateway.pid, place, 'published over WebSocket');
    if (wants('deliver')) await delivering(context, gateway.pid, place);
    if (wants('mosquitto')) await beside(context);
  },
};

async function publishing(context: BenchContext, pid: number, place: MqttPlace, about: string): Promise<void> {
  const { ground, report, size } = context;
  const load = ground.worker<MqttLoad>('mqtt-load');
  const work = { ...place, connections: size('connections'), window: size('window'), bytes: size('bytes') };
  await load.ask('publish', { ...work, seconds: size('warm-up') });
  const runs = await repeated(size('runs'), () =>
    metered(ground, pid, () => load.ask('publish', { ...work, seconds: size('seconds') }), { load: load.pid }),
  );
  await load.stop();
  report.section(`${about}: ${work.connections} connections with ${work.window} under way each, ${work.bytes} bytes`);
  reportRuns(context, runs, 'PUBACK/s', place.overWebSocket);
  for (const percent of [50, 99]) {
    const values = runs.map(({ result }) => Latencies.of(result.latencies).percentileMs(percent));
    report.figure({ label: `PUBLISH to PUBACK p${percent}`, values, unit: 'ms' });
  }
}

async function delivering(context: BenchContext, pid: number, place: MqttPlace): Promise<void> {
  const { ground, report, size } = context;
  const events = size('events');
  await fillTopic(context, events);
  const client = await ground.client();
  const load = ground.worker<MqttLoad>('mqtt-load');
  const run = async (index: number): Promise<{ result: Done; spent: Spent }> => {
    const queue = `mqtt-${index}`;
    const definition = {
      types: [EVENT_TYPE],
      topics: [EVENT_TOPIC],
      order: 'none',
      start: 'earliest',
      maxInFlight: 20_000,
    };
    await client.put('queues', queue, definition);
    const wish = {
      ...place,
      connections: size('connections'),
      filter: `queue:${queue}`,
      events,
      timeoutMs: PATIENCE_MS,
    };
    const measured = await metered(ground, pid, () => load.ask('receive', wish), { load: load.pid });
    await client.delete('queues', queue);
    return measured;
  };
  await run(0);
  const runs = await repeated(size('runs'), (index) => run(index + 1));
  await load.stop();
  report.section(`delivered from a queue over WebSocket: ${size('connections')} connections`);
  reportRuns(context, runs, 'delivered/s', true);
  for (const { result } of runs) if (result.count < events) report.fault(`${events - result.count} were not delivered`);
}

function reportRuns(
  { report }: BenchContext,
  runs: readonly { result: Done; spent: Spent }[],
  unit: string,
  isOurs: boolean,
): void {
  const values = runs.map(({ result: { count, seconds } }) => count / seconds);
  report.figure({ label: 'rate', values, unit, ...(isOurs ? { target: atLeast(25_000) } : {}) });
  const counts = runs.map(({ result }) => result.count);
  const spent = runs.map((one) => one.spent);
  if (isOurs) {
    const perSecond = runs.map((one) => one.result.count / ofStack(one.spent));
    report.figure({ label: 'per CPU-second, gateway and broker', values: perSecond, unit: 'messages' });
    reportCost(report, 'gateway', spent, counts, 'messages');
    return;
  }
  const perSecond = runs.map((one) => one.result.count / one.spent.cpuSeconds);
  report.figure({ label: 'per CPU-second, mosquitto', values: perSecond, unit: 'messages' });
}

/** The same load for Mosquitto over TCP, with its messages on disk, where it is installed. */
async function beside(context: BenchContext): Promise<void> {
  if (spawnSync(PEER, ['-h']).error !== undefined) {
    context.report.section('Mosquitto');
    context.report.note('is not installed (Debian: mosquitto): not compared');
    return;
  }
  const [port = 0] = await freePorts(1);
  const dir = mkdtempSync(join(tmpdir(), 'heddle-mosquitto-'));
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${dir}/`,
  ];
  writeFileSync(
    join(dir, 'mosquitto.conf'),
    [...lines, 'max_inflight_messages 0', 'max_queued_messages 0', ''].join('\n'),
  );
  const peer = spawn(PEER, ['-c', join(dir, 'mosquitto.conf')], { stdio: 'ignore' });
  try {
    await listening(port, peer);
    const place = { port, authorization: '', overWebSocket: false };
    await publishing(context, peer.pid!, place, 'Mosquitto, published over TCP');
    context.report.note(`Mosquitto keeps messages in memory; ${costOf(peer.pid!).rssBytes} bytes resident`);
  } finally {
    peer.kill();
  }
}

async function listening(port: number, peer: ChildProcess): Promise<void> {
  while (peer.exitCode === null) {
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isThere === true) return;
    await delay(50);
  }
  throw new Error('Mosquitto has ended.');
}
