import type { Running } from '@heddle/infra';
import { repeated } from '../../bench.js';
import { fillTopic } from '../../fill-topic.js';
import { nowMicros } from '../../latencies.js';
import { atMost } from '../../report.js';
import { PATIENCE_MS, type Parts, reportLoad, webhookTo } from './deliveries.js';

const BURST = 5000;
/** It is killed when so many of them have arrived. */
const ARRIVED = 1500;
/** Outcomes are joined for 10 ms before they are written; what was answered this long before a kill may be unwritten. */
const UNWRITTEN_MS = 50;

interface Killed {
  /** From the start of the new process until it says that it is ready. */
  readySeconds: number;
  /** From there until the last of the burst has arrived. */
  seconds: number;
  duplicates: number;
  /** Requests that may have been under way, and answers that may not have been durable. */
  inFlight: number;
  missing: number;
}

/** The gateway is killed in a burst of events and started again. */
export async function killed(parts: Parts, gateway: Running): Promise<void> {
  const { context } = parts;
  const { report, size } = context;
  await parts.gateway.client.put('webhooks', 'killed', webhookTo(parts, 0));
  let running = gateway;
  const runs = await repeated(size('runs'), async () => {
    const { result, restarted } = await killOnce(parts, running);
    running = restarted;
    return result;
  });
  await parts.gateway.client.delete('webhooks', 'killed');
  report.section(`kill -9 when ${ARRIVED} of a burst of ${BURST} have arrived`);
  const figure = (label: string, value: (run: Killed) => number, unit: string): void =>
    report.figure({ label, values: runs.map(value), unit });
  figure('restart to ready', ({ readySeconds }) => readySeconds, 's');
  const values = runs.map(({ seconds }) => seconds);
  report.figure({ label: 'ready to all delivered', values, unit: 's', target: atMost(8) });
  figure('restart to all delivered', ({ readySeconds, seconds }) => readySeconds + seconds, 's');
  figure('in flight at the kill, at most', ({ inFlight }) => inFlight, 'deliveries');
  const beyond = runs.map(({ duplicates, inFlight }) => duplicates / inFlight);
  figure('duplicates', ({ duplicates }) => duplicates, 'deliveries');
  report.figure({ label: 'duplicates, of what was in flight', values: beyond, unit: 'times', target: atMost(1) });
  reportLoad(report);
  for (const { missing } of runs) if (missing > 0) report.fault(`${missing} of ${BURST} did not come`);
}

async function killOnce(
  { context, sink, gateway }: Parts,
  running: Running,
): Promise<{ result: Killed; restarted: Running }> {
  const { ground, size } = context;
  await sink.ask('begin', { events: BURST, copies: 1, keys: size('keys') });
  const burst = fillTopic(context, BURST);
  await sink.ask('until', { deliveries: ARRIVED, timeoutMs: PATIENCE_MS });
  running.kill();
  const killedMicros = nowMicros();
  await Promise.all([running.exited, burst]);
  const fromMicros = killedMicros - UNWRITTEN_MS * 1000;
  const unwritten = await sink.ask('between', { fromMicros, toMicros: nowMicros() });
  const startedMicros = nowMicros();
  const restarted = await ground.app('gateway', context.measuredEnv);
  const readyMicros = nowMicros();
  const arrived = await sink.ask('until', { deliveries: BURST, timeoutMs: PATIENCE_MS });
  // A repeat of what came before the kill may be the last to come.
  await gateway.client.drained('killed', PATIENCE_MS);
  const { duplicates } = await sink.ask('until', { deliveries: BURST, timeoutMs: 0 });
  return {
    restarted,
    result: {
      readySeconds: (readyMicros - startedMicros) / 1_000_000,
      seconds: Math.max(0, arrived.lastMicros - readyMicros) / 1_000_000,
      duplicates,
      inFlight: size('in-flight') + unwritten,
      missing: BURST - arrived.deliveries,
    },
  };
}
