import { defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import type { Latencies } from '../benching/figures.js';
import { runBench } from '../benching/run.js';
import { EXIT } from '../exit-codes.js';
import type { Gateway } from '../gateway.js';
import { properties } from '../output/table.js';
import { type CatalogueEntry, catalogueEntry } from '../publishing/event-template.js';
import { sampleOf } from '../publishing/sample.js';

export const bench = defineCommand({
  name: 'bench',
  summary: 'a small load of its own: from publish to arrival',
  description:
    'Publishes real events, with keys of their own, and watches for them on a stream: what is measured is this machine, the way to the gateway, the gateway and Kafka together. Queues that want events of the type get them, too. It ends with 1 when an event is refused or does not arrive.',
  args: [
    {
      name: 'TYPE',
      about: 'the event type; one that anybody may publish when left out',
      optional: true,
      completes: 'type',
    },
  ],
  options: {
    events: { type: 'number', short: 'n', value: 'N', about: 'how many; 500 when left out' },
    rate: { type: 'number', value: 'N', about: 'how many a second; 100 when left out' },
    keys: { type: 'number', value: 'N', about: 'over how many business keys; 20 when left out' },
    wait: { type: 'number', value: 'SECONDS', about: 'for the last ones to arrive; 10 when left out' },
  },
  json: '{"type", "published", "accepted", "refused", "arrived", "missing", "repeats", "seconds", "publishedPerSecond", "arrivedPerSecond", "publishMs": {"p50", "p95", "p99", "max"}, "arrivalMs"}',
  examples: [
    { line: 'heddle bench', about: 'five hundred events in five seconds' },
    {
      line: 'heddle bench heddle.contract.v1.Contract.Signed.v1 --events 5000 --rate 1000 --json',
      about: 'more of them, for a program',
    },
  ],
  async run({ args: [wanted], options, output, signal, gateway: open }) {
    const gateway = await open();
    const { events = 500, rate = 100, keys = 20, wait = 10 } = options;
    if (events < 1 || rate <= 0 || keys < 1) throw wrongLine('--events, --rate and --keys are at least 1.');
    const { type, key, example, schema } =
      wanted === undefined ? await publicType(gateway) : await catalogueEntry(gateway, wanted);
    output.note(`… ${events} of ${type}, ${rate} a second`);
    const sample = { specversion: '1.0', type, data: example ?? sampleOf(schema) };
    const figures = await runBench(gateway, {
      sample,
      keyField: key,
      events,
      ratePerSecond: rate,
      keys,
      waitMs: wait * 1000,
      signal,
    });
    const { published, accepted, arrived, missing, repeats, seconds, publishedPerSecond, arrivedPerSecond } = figures;
    await output.show(figures, () =>
      properties([
        ['type', type],
        ['published', `${published} in ${seconds} s, ${accepted} accepted, ${publishedPerSecond} a second`],
        ['arrived', `${arrived}, ${missing} missing, ${repeats} repeats, ${arrivedPerSecond} a second`],
        ['publish', latencyText(figures.publishMs)],
        ['arrival', latencyText(figures.arrivalMs)],
      ]),
    );
    return figures.refused > 0 || missing > 0 ? EXIT.failed.code : EXIT.ok.code;
  },
});

async function publicType(gateway: Gateway): Promise<CatalogueEntry> {
  const { types } = await gateway.get<{ types: CatalogueEntry[] }>('/v1/catalogue');
  const found = types.find(({ owner, publish }) => owner === undefined || publish === 'open');
  if (found !== undefined) return found;
  throw wrongLine('Every type has an owner here, who alone may publish it: name the TYPE, as its owner.');
}

function latencyText(latencies: Latencies | undefined): string {
  if (latencies === undefined) return 'nothing was measured';
  const { p50, p95, p99, max } = latencies;
  return `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms, at most ${max} ms`;
}
