import { defineCommand, type Invocation } from '../command.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import { table } from '../output/table.js';
import { ruleLines } from '../output/trouble.js';
import { type EventJson, eventTemplates } from '../publishing/event-template.js';
import { type PublishResult, commonRefusal, publishAll } from '../publishing/publisher.js';
import { PLACEHOLDERS, filled } from '../publishing/template.js';

/** Of more events than these only the refused are listed. */
const LISTED = 20;

export const publish = defineCommand({
  name: 'publish',
  summary: 'publish events: from a file, a template, or made from a schema',
  description: [
    'With TYPE alone the event is a sample: the example of the catalogue, or one made from its schema. With --data the data is yours; --file has whole CloudEvents: one, an array, or one on each line. Each refusal is shown with the field and the rule.',
    '',
    `Texts of a template, and those of --key, --set and --attribute, may have ${Object.entries(PLACEHOLDERS)
      .map(([word, about]) => `${word} (${about})`)
      .join(', ')}; a text that is one of them alone becomes a number with :number, as "{{n:number}}".`,
  ].join('\n'),
  args: [{ name: 'TYPE', about: 'an event type of the catalogue', optional: true, completes: 'type' }],
  options: {
    file: {
      type: 'text',
      short: 'f',
      value: 'FILE',
      about: 'a file of CloudEvents; - is the standard input',
      completes: 'file',
    },
    data: {
      type: 'text',
      short: 'd',
      value: 'JSON',
      about: 'the data; @FILE for that of a file, - for the standard input',
    },
    template: {
      type: 'text',
      value: 'FILE',
      about: 'a file with an event, or with data for TYPE, that has placeholders',
      completes: 'file',
    },
    key: { type: 'text', value: 'KEY', about: 'the business key' },
    set: { type: 'text', many: true, value: 'PATH=TEXT', about: 'a field of the data; PATH:=JSON for what is no text' },
    attribute: { type: 'text', many: true, value: 'NAME=VALUE', about: 'an attribute of the event' },
    source: { type: 'text', value: 'URI', about: 'where it comes from; /heddle/cli when left out' },
    count: { type: 'number', short: 'n', value: 'N', about: 'so many events, each filled anew; 1 when left out' },
    rate: { type: 'number', value: 'N', about: 'events a second, at most' },
    'dry-run': { type: 'flag', about: 'show the events, and publish none' },
  },
  json: '{"accepted", "refused", "results": [{"id", "type", "status", "topic", "partition", "offset", "duplicate", "problem"}]}, with --dry-run the events',
  examples: [
    { line: 'heddle publish heddle.contract.v1.Contract.Signed.v1', about: 'a sample of its schema' },
    {
      line: "heddle publish heddle.contract.v1.Contract.Signed.v1 --key 'C-{{n}}' --set NetAmount=99.000 --count 100 --rate 20",
      about: 'a hundred of them, twenty a second, each of another contract',
    },
    { line: 'heddle publish --file events.ndjson', about: 'those of a file' },
    { line: 'cat event.json | heddle publish --file -', about: 'from the standard input' },
    { line: 'heddle publish --template signed.json --count 3 --dry-run', about: 'what a template comes to' },
  ],
  async run({ args, options, terminal, output, signal, gateway }) {
    const { count = 1, rate, 'dry-run': dryRun, ...wish } = options;
    const templates = await eventTemplates(gateway, { type: args[0], ...wish }, terminal);
    const events = repeated(templates, count);
    if (dryRun) {
      for (const event of events) await output.line(event, () => JSON.stringify(event, undefined, 2));
      return EXIT.ok.code;
    }
    const results = await publishAll(await gateway(), events, { rate, signal });
    const refused = results.filter(({ problem }) => problem !== undefined);
    const report = { accepted: results.length - refused.length, refused: refused.length, results };
    await output.show(report, () => shown(results, refused, output));
    if (refused.length === 0) return EXIT.ok.code;
    const common = report.accepted === 0 ? commonRefusal(refused) : undefined;
    return common === undefined ? EXIT.failed.code : exitCodeOf(common);
  },
});

function* repeated(templates: readonly EventJson[], count: number): Generator<EventJson> {
  for (let n = 1; n <= count; n += 1) {
    for (const template of templates) yield filled(template, { n, now: new Date() });
  }
}

function shown(
  results: readonly PublishResult[],
  refused: readonly PublishResult[],
  output: Invocation['output'],
): string[] {
  const listed = results.length > LISTED ? [] : results.filter(({ problem }) => problem === undefined);
  const rows =
    listed.length === 0
      ? []
      : table(listed, [
          { title: 'id', of: ({ id }) => id },
          { title: 'type', of: ({ type }) => type },
          { title: 'at', of: ({ topic, partition, offset }) => `${topic ?? ''}/${partition ?? ''}@${offset ?? ''}` },
          { title: '', of: ({ duplicate }) => (duplicate ? 'was there already' : '') },
        ]);
  const refusals = refused
    .slice(0, LISTED)
    .flatMap(({ id, type, problem }) => [
      `${output.paint('red', '✖')} ${type} ${id}: ${problem?.detail ?? ''}`,
      ...ruleLines(problem?.errors ?? fieldOnly(problem?.field, problem?.title)),
    ]);
  const more = refused.length > LISTED ? [`… and ${refused.length - LISTED} more`] : [];
  const sum = results.length === 1 ? [] : [`${results.length - refused.length} accepted, ${refused.length} refused`];
  return [...rows, ...refusals, ...more, ...sum];
}

function fieldOnly(field: string | undefined, title = ''): { field: string; rule: string }[] {
  return field === undefined ? [] : [{ field, rule: title }];
}
