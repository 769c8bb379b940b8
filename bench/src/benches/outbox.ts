import { type Bench, repeated, runOptions } from '../bench.js';
import { Latencies } from '../latencies.js';
import { metered, reportCost } from '../meter.js';
import type { OutboxService } from '../workers/outbox-service.js';

/** From a committed row in PostgreSQL to an acknowledged event on Kafka. */
export const outbox: Bench = {
  name: 'outbox',
  measures: 'rows raised in PostgreSQL to events acknowledged by Kafka',
  options: {
    ...runOptions(8, 3),
    events: { default: 20_000, about: 'rows that wait for the relay in a run of the first part' },
    rate: { default: 200, about: 'transactions a second of the second part' },
    bytes: { default: 500, about: 'bytes of an event as structured JSON' },
    keys: { default: 1000, about: 'business keys' },
  },
  async run({ ground, report, size, measuredArgs }) {
    const service = ground.worker<OutboxService>('outbox-service', measuredArgs);
    const { kafkaBrokers: brokers, registryUrl, databaseUrl } = ground.stack;
    await service.ask('open', { brokers, registryUrl, databaseUrl, keys: size('keys'), eventBytes: size('bytes') });
    const drain = async (events: number) => {
      await service.ask('fill', events);
      return metered(ground, service.pid, () => service.ask('drain', undefined));
    };
    await drain(size('events') / 4);
    const drains = await repeated(size('runs'), () => drain(size('events')));
    const directly = await metered(ground, service.pid, () => service.ask('appendDirectly', undefined));

    report.section(`a relay drains ${size('events')} rows of ${size('bytes')} bytes, ${size('keys')} keys`);
    const counts = drains.map(({ result }) => result.events);
    const perCpuSecond = drains.map(({ result, spent }) => result.events / spent.cpuSeconds);
    report.figure({
      label: 'rate',
      values: drains.map(({ result }) => result.events / result.seconds),
      unit: 'events/s',
    });
    report.figure({ label: 'per CPU-second of the relay', values: perCpuSecond, unit: 'events' });
    reportCost(
      report,
      'relay',
      drains.map(({ spent }) => spent),
      counts,
      'events',
    );

    report.section('the same events appended without an outbox');
    report.figure({ label: 'rate', values: [size('events') / directly.result], unit: 'events/s' });
    reportCost(report, 'appender', [directly.spent], [size('events')], 'events');

    const steady = (seconds: number) =>
      metered(ground, service.pid, () => service.ask('steady', { perSecond: size('rate'), seconds }));
    await steady(size('warm-up'));
    const runs = await repeated(size('runs'), () => steady(size('seconds')));
    report.section(`${size('rate')} transactions a second, one event each, beside the relay`);
    for (const percent of [50, 99]) {
      const values = runs.map(({ result }) => Latencies.of(result).percentileMs(percent));
      report.figure({ label: `commit to acknowledged p${percent}`, values, unit: 'ms' });
    }
    const transactions = runs.map(() => size('rate') * size('seconds'));
    reportCost(
      report,
      'writer and relay',
      runs.map(({ spent }) => spent),
      transactions,
      'transactions',
    );
  },
};
