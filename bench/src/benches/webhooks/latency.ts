import { repeated } from '../../bench.js';
import { atMost } from '../../report.js';
import { type Parts, arrivalMs, pacedRun, publisher, reportLoad, webhookTo } from './deliveries.js';

const RATES = [
  { perSecond: 300, p50: atMost(2), p99: atMost(12) },
  { perSecond: 1000, p50: undefined, p99: atMost(30) },
];
const SLOW_MS = 4000;
const STEADY = 300;

/** From before the request that publishes to the arrival at the endpoint. */
export async function latencies(parts: Parts): Promise<void> {
  const { context, gateway } = parts;
  const { report, size } = context;
  const load = await publisher(parts);
  await gateway.client.put('webhooks', 'latency', webhookTo(parts, 0));
  await pacedRun(parts, load, { perSecond: STEADY, seconds: size('warm-up') });
  for (const { perSecond, p50, p99 } of RATES) {
    const runs = await repeated(size('runs'), () => pacedRun(parts, load, { perSecond, seconds: size('seconds') }));
    report.section(`publish → arrival at ${perSecond}/s, open loop`);
    for (const [percent, target] of [
      [50, p50],
      [99, p99],
    ] as const) {
      const values = runs.map((arrived) => arrivalMs(arrived, percent));
      report.figure({ label: `p${percent}`, values, unit: 'ms', target });
    }
    reportLoad(report);
  }
  await load.stop();
  await gateway.client.delete('webhooks', 'latency');
}

/** One endpoint beside another that takes its time: they share the events, the broker and the gateway. */
export async function slowNeighbour(parts: Parts): Promise<void> {
  const { context, gateway, sink } = parts;
  const { report, size } = context;
  const load = await publisher(parts);
  const steady = { perSecond: STEADY, seconds: size('seconds'), copies: 2, groupAt: 1 };
  await sink.ask('behave', [{ from: 1, to: 2, delayMs: SLOW_MS, status: 204 }]);
  await gateway.client.put('webhooks', 'quick', webhookTo(parts, 0));
  await pacedRun(parts, load, { ...steady, seconds: size('warm-up') });
  const pairs = await repeated(size('runs'), async () => {
    const alone = await pacedRun(parts, load, steady);
    await gateway.client.put('webhooks', 'slow', webhookTo(parts, 1));
    const beside = await pacedRun(parts, load, steady);
    await gateway.client.delete('webhooks', 'slow');
    return { alone: arrivalMs(alone, 99), beside: arrivalMs(beside, 99) };
  });
  await load.stop();
  await gateway.client.delete('webhooks', 'quick');
  await sink.ask('behave', []);
  report.section(`two endpoints at ${STEADY}/s, of which one answers after ${SLOW_MS / 1000} s`);
  report.figure({ label: 'the quick one alone, p99', values: pairs.map(({ alone }) => alone), unit: 'ms' });
  report.figure({ label: 'beside the slow one, p99', values: pairs.map(({ beside }) => beside), unit: 'ms' });
  const values = pairs.map(({ alone, beside }) => beside / alone);
  report.figure({ label: 'p99, of what it is alone', values, unit: 'times', target: atMost(1.5) });
  reportLoad(report);
}
