import { type Bench, repeated } from '../bench.js';
import { CODECS, type CodecName, type CodecTurn } from '../codec-names.js';
import { type Report, atLeast } from '../report.js';
import type { CodecRace } from '../workers/codec-race.js';

const EVENTS = ['contract', 'sales-order'] as const;
const TITLES: Record<(typeof EVENTS)[number], string> = {
  contract: 'a contract: a decimal, two dates, an instant, an enum, two optional fields of ten',
  'sales-order': 'a sales order: six short texts and an instant',
};

/** The codec beside plain avsc and JSON: each in a process of its own, in turn. */
export const codec: Bench = {
  name: 'codec',
  measures: 'events encoded and decoded, beside plain avsc and JSON',
  options: {
    runs: { default: 7, about: 'runs; the median counts', quick: 2 },
    milliseconds: { default: 500, about: 'milliseconds of a run of each codec', quick: 100 },
    'warm-up': { default: 1000, about: 'milliseconds before the first run of each', quick: 300 },
  },
  parts: EVENTS,
  async run({ ground, report, size, wants, measuredArgs }) {
    for (const event of EVENTS.filter((each) => wants(each))) {
      report.section(TITLES[event]);
      for (const direction of ['encode', 'decode'] as const) {
        const racers = CODECS.map((name) => {
          const args = name === 'heddle' ? measuredArgs : [];
          return { name, worker: ground.worker<CodecRace>('codec-race', args) };
        });
        const turn = (milliseconds: number) => ({ event, direction, milliseconds });
        for (const { name, worker } of racers) await worker.ask('run', { codec: name, ...turn(size('warm-up')) });
        const runs = await repeated(size('runs'), async () => {
          const results = new Map<CodecName, CodecTurn>();
          for (const { name, worker } of racers)
            results.set(name, await worker.ask('run', { codec: name, ...turn(size('milliseconds')) }));
          return results;
        });
        reportRuns(report, direction, runs);
        for (const { worker } of racers) await worker.stop();
      }
    }
  },
};

function reportRuns(report: Report, direction: string, runs: readonly ReadonlyMap<CodecName, CodecTurn>[]): void {
  const rate = (results: ReadonlyMap<CodecName, CodecTurn>, name: CodecName): number => {
    const { events, cpuSeconds } = results.get(name) ?? { events: 0, cpuSeconds: 1 };
    return events / cpuSeconds;
  };
  for (const name of CODECS) {
    const { bytes = 0 } = runs[0]?.get(name) ?? {};
    const values = runs.map((results) => rate(results, name));
    report.figure({ label: `${direction}, ${name}`, values, unit: 'events per CPU-s', remark: `${bytes} bytes` });
  }
  for (const other of ['avsc', 'avsc-json-form', 'json'] as const) {
    const values = runs.map((results) => rate(results, 'heddle') / rate(results, other));
    const target = other === 'json' ? undefined : atLeast(0.85);
    report.figure({ label: `${direction}, heddle to ${other}`, values, unit: 'times', target });
  }
}
