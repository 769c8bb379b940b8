import { readFileSync } from 'node:fs';
import { defineCommand, type Invocation } from '../command.js';
import { writeSecretFile } from '../context/context-file.js';
import { clockTime, timeOf } from '../output/times.js';
import { type Condition, OPERATORS, conditionOf } from '../tailing/condition.js';
import { type Opened, type StreamedEvent, eventStream } from '../tailing/event-stream.js';
import { textOf } from '../output/text.js';

/** How often the position is written to its file, at most. */
const SAVE_MS = 500;

export const tail = defineCommand({
  name: 'tail',
  summary: 'watch events as they come, or from an earlier time',
  description: [
    'A live stream of what you may consume. A connection that is lost is opened again, and the stream goes on after the last event shown. Whoever must not miss an event uses a queue: heddle listen.',
    '',
    `Conditions of --where hold all: an attribute, or data.FIELD, then ${Object.entries(OPERATORS)
      .map(([word, { about }]) => `${word} (${about})`)
      .join(', ')}, and a value.`,
  ].join('\n'),
  args: [
    {
      name: 'TYPE',
      about: 'event types, exact or with * at the end; all you may consume when left out',
      optional: true,
      many: true,
      completes: 'type',
    },
  ],
  options: {
    from: {
      type: 'text',
      value: 'WHERE',
      about:
        'now, earliest, a time, how long ago (10m, 2h, 1d), or a place in the log as contract/3@120, several with commas; what is not named there begins now',
    },
    key: { type: 'text', value: 'KEY', about: 'only events of this business key' },
    where: { type: 'text', many: true, value: 'CONDITION', about: 'only events for which this holds' },
    limit: { type: 'number', short: 'n', value: 'N', about: 'end after so many' },
    position: {
      type: 'text',
      value: 'FILE',
      about: 'keep the position in this file, and go on from there next time',
      completes: 'file',
    },
  },
  formats: ['table', 'json', 'raw'],
  json: 'each event in CloudEvents JSON format, one on a line; raw: its data alone',
  examples: [
    { line: 'heddle tail', about: 'everything you may consume, from now on' },
    {
      line: "heddle tail 'sap.s4.beh.salesorder.*' --from 10m --json",
      about: 'the orders of the last ten minutes and what comes, as JSON',
    },
    { line: 'heddle tail --from earliest --key 4711', about: 'all that ever happened to 4711, and what will' },
    { line: "heddle tail --where 'data.Currency=EUR' --where 'data.NetAmount>=1000'", about: 'events whose data fits' },
    {
      line: 'heddle tail --from contract/3@120 --limit 1 -o raw',
      about: 'the data of one event, by its place in the log',
    },
  ],
  async run(invocation) {
    const { args, options, output, signal } = invocation;
    const { limit = Infinity, from = 'now', position } = options;
    const wanted = conditionsOf(options.where, options.key);
    const gateway = await invocation.gateway();
    const keeper = position === undefined ? undefined : new PositionFile(position);
    const ending = new AbortController();
    let isOpen = false;
    const stream = eventStream(gateway, {
      types: args,
      start: startOf(from),
      token: keeper?.read(),
      signal: AbortSignal.any([signal, ending.signal]),
      onOpened: (opened) => {
        sayOpened(opened, output);
        // Whoever sees nothing is to know that there was nothing.
        if (!isOpen) output.note(output.paint('dim', `… watching ${args.join(' ') || 'all events'}; Ctrl-C ends it`));
        isOpen = true;
      },
      onTrouble: (reason) => output.note(output.paint('yellow', `… the connection was lost: ${reason}`)),
    });
    let shown = 0;
    if (limit > 0) {
      for await (const streamed of stream) {
        if (wanted.every((condition) => condition(streamed.event))) {
          await output.line(streamed.event, () => lineOf(streamed, output));
          shown += 1;
        }
        keeper?.note(streamed.token);
        if (shown >= limit) break;
      }
    }
    ending.abort();
    keeper?.save();
  },
});

/** What the gateway reads as the beginning of a stream. */
export function startOf(from: string): string {
  if (from === 'now' || from === 'earliest') return from;
  if (/^[A-Za-z0-9_-]+\/\d+@\d+(?:,[A-Za-z0-9_-]+\/\d+@\d+)*$/.test(from)) return from;
  return timeOf(from);
}

function conditionsOf(where: readonly string[], key: string | undefined): Condition[] {
  const conditions = where.map(conditionOf);
  return key === undefined
    ? conditions
    : [...conditions, ({ subject, partitionkey }) => [subject, partitionkey].includes(key)];
}

function sayOpened({ resumed, gaps }: Opened, output: Invocation['output']): void {
  if (resumed === 'reset') output.note(output.paint('yellow', '… a topic was made anew: it begins at its first event'));
  for (const { topic, partition, from, to } of gaps) {
    output.note(
      output.paint('yellow', `… the log no longer has ${to - from} events: ${topic}/${partition}@${from} to ${to - 1}`),
    );
  }
}

function lineOf({ event }: StreamedEvent, output: Invocation['output']): string {
  const { time, type, subject, data, data_base64: bytes } = event;
  const shown = data === undefined ? bytes : data;
  if (output.format === 'raw') return JSON.stringify(shown ?? null);
  return [
    output.paint('dim', clockTime(String(time))),
    output.paint('cyan', String(type)),
    textOf(subject),
    JSON.stringify(shown ?? null),
  ].join('  ');
}

/** The token of the last event that was shown, in a file. */
class PositionFile {
  #token: string | undefined;
  #savedAt = 0;

  constructor(private readonly file: string) {}

  read(): string | undefined {
    try {
      return readFileSync(this.file, 'utf8').trim() || undefined;
    } catch {
      return undefined;
    }
  }

  note(token: string): void {
    this.#token = token;
    if (performance.now() > this.#savedAt + SAVE_MS) this.save();
  }

  save(): void {
    if (this.#token === undefined) return;
    writeSecretFile(this.file, `${this.#token}\n`);
    this.#savedAt = performance.now();
  }
}
