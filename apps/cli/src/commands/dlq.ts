import { type Command, type Invocation, type Options, defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import { EXIT } from '../exit-codes.js';
import { follow } from '../following/progress.js';
import { properties, table } from '../output/table.js';
import { timeOf } from '../output/times.js';

interface Letter {
  id: string;
  at: string;
  event: { id: string; type: string; key: string; topic: string; partition: number; offset: number };
  queue?: string;
  group?: string;
  reason: string;
  code: string;
  attempts?: number;
  lastAnswer?: string;
  state: 'open' | 'redriven';
  redriven?: { by: string; at: string };
}

interface LetterDetail extends Letter {
  stored: { attributes: Record<string, string>; data: unknown };
  deliveries: { at: string; attempt: number; outcome: string; status?: number; error?: string }[];
}

interface Redrive {
  id: string;
  state: 'counted' | 'running' | 'done' | 'stopped' | 'failed' | 'interrupted';
  selected: number;
  queues: Record<string, number>;
  placed: number;
  failed: number;
  failures: { id: string; reason: string }[];
  ratePerSecond: number;
  startedAt: string;
  endedAt?: string;
}

/** Which letters are meant. */
const FILTER = {
  queue: { type: 'text', value: 'NAME', about: 'only of this queue', completes: 'queue' },
  type: { type: 'text', value: 'TYPE', about: 'only of this event type', completes: 'type' },
  key: { type: 'text', value: 'KEY', about: 'only of this business key' },
  reason: { type: 'text', value: 'WORD', about: 'only whose reason, or its code, has this' },
  since: { type: 'text', value: 'TIME', about: 'given up at or after this time; also how long ago, as 2h' },
  until: { type: 'text', value: 'TIME', about: 'given up before this time' },
} as const satisfies Options;

const REDRIVE_JSON =
  '{"id", "state": "counted|running|done|stopped|failed|interrupted", "selected", "queues", "placed", "failed", "failures", "ratePerSecond", "startedAt", "endedAt"}';
const LETTER_JSON = '{"id", "at", "event", "queue", "reason", "code", "attempts", "lastAnswer", "state", "redriven"}';
const REDRIVE_ID = { name: 'ID', about: 'of a redrive' } as const;

const list = defineCommand({
  name: 'list',
  summary: 'dead letters, the newest first',
  options: {
    ...FILTER,
    state: { type: 'text', value: 'STATE', choices: ['open', 'redriven'], about: 'only those; both when left out' },
    limit: { type: 'number', short: 'n', value: 'N', about: 'so many at most; 100 when left out' },
  },
  json: `[${LETTER_JSON}]`,
  examples: [
    { line: 'heddle dlq list --queue orders --state open', about: 'what a queue gave up on' },
    { line: "heddle dlq list --reason 'status 500' --since 1d --json", about: 'of the last day, by the reason' },
  ],
  async run({ options, output, gateway }) {
    const { limit = 100, state, ...filter } = options;
    const letters: Letter[] = [];
    let cursor: string | undefined;
    do {
      const query = { ...filterOf(filter), state, cursor, limit: Math.min(500, limit - letters.length) };
      const page = await (await gateway()).get<{ deadLetters: Letter[]; next?: string }>('/v1/dead-letters', query);
      letters.push(...page.deadLetters);
      cursor = page.next;
    } while (cursor !== undefined && letters.length < limit);
    await output.show(letters, () =>
      table(letters, [
        { title: 'id', of: ({ id }) => id },
        { title: 'at', of: ({ at }) => at },
        { title: 'queue', of: ({ queue, group }) => queue ?? group },
        { title: 'type', of: ({ event }) => event.type },
        { title: 'key', of: ({ event }) => event.key },
        {
          title: 'state',
          of: ({ state }) => state,
          paint: (text, { state }) => (state === 'open' ? output.paint('red', text) : text),
        },
        { title: 'attempts', of: ({ attempts }) => attempts, align: 'right' },
        { title: 'reason', of: ({ reason }) => reason },
      ]),
    );
  },
});

const show = defineCommand({
  name: 'show',
  summary: 'one dead letter, with its event and the attempts before it was given up',
  args: [{ name: 'ID', about: 'of a dead letter' }],
  json: `${LETTER_JSON} with "stored" (the event) and "deliveries" (its attempts)`,
  examples: [{ line: 'heddle dlq show 7-1042', about: 'all that is known of it' }],
  async run({ args: [id = ''], output, gateway }) {
    const letter = await (await gateway()).get<LetterDetail>(`/v1/dead-letters/${encodeURIComponent(id)}`);
    await output.show(letter, () => letterLines(letter));
  },
});

const redrive = defineCommand({
  name: 'redrive',
  summary: 'put dead letters back into their queues',
  description:
    'Takes letters by their ids, or all open ones that fit the options; it shows how far it is, and the report when it is done. Ctrl-C ends the watching; dlq stop ends the redrive.',
  args: [{ name: 'ID', about: 'of dead letters', optional: true, many: true }],
  options: {
    ...FILTER,
    all: { type: 'flag', about: 'all open letters, where nothing else says which' },
    rate: { type: 'number', value: 'N', about: 'so many a second; 100 when left out' },
    'dry-run': { type: 'flag', about: 'count them, and put none back' },
    'no-wait': { type: 'flag', about: 'do not wait for the end' },
  },
  json: REDRIVE_JSON,
  examples: [
    {
      line: "heddle dlq redrive --queue orders --reason 'status 500' --since 2h --dry-run",
      about: 'how many they are',
    },
    { line: "heddle dlq redrive --queue orders --reason 'status 500' --since 2h --rate 50", about: 'fifty a second' },
    { line: 'heddle dlq redrive 7-1042 7-1043', about: 'two of them' },
  ],
  async run({ args, options, output, signal, gateway: open }) {
    const { rate, all, 'dry-run': dryRun, 'no-wait': noWait, ...given } = options;
    const filter = filterOf(given);
    const hasFilter = Object.keys(filter).length > 0;
    if (args.length > 0 ? hasFilter || all : !hasFilter && !all) {
      throw wrongLine('Name letters by their ids, or say which by options, or --all: one of the three.');
    }
    const gateway = await open();
    const body = {
      ...(args.length > 0 ? { ids: args } : { filter }),
      dryRun,
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
    };
    const begun = await gateway.post<Redrive>('/v1/dead-letters/redrive', body);
    const ended =
      dryRun || noWait
        ? begun
        : await follow(begun, {
            read: () => gateway.get<Redrive>(`/v1/dead-letters/redrives/${begun.id}`),
            isOver: ({ state }) => state !== 'running',
            text: ({ placed, failed, selected }) => `… ${placed + failed} of ${selected}`,
            output,
            signal,
          });
    await output.show(ended, () => redriveLines(ended));
    return ended.failed > 0 || ended.state === 'failed' || ended.state === 'interrupted'
      ? EXIT.failed.code
      : EXIT.ok.code;
  },
});

const redrives = defineCommand({
  name: 'redrives',
  summary: 'redrives with how far they are, the newest first',
  json: `[${REDRIVE_JSON}]`,
  examples: [{ line: 'heddle dlq redrives', about: 'all that are known' }],
  async run({ output, gateway }) {
    const { redrives: all } = await (await gateway()).get<{ redrives: Redrive[] }>('/v1/dead-letters/redrives');
    await output.show(all, () =>
      table(all, [
        { title: 'id', of: ({ id }) => id },
        { title: 'state', of: ({ state }) => state },
        { title: 'selected', of: ({ selected }) => selected, align: 'right' },
        { title: 'placed', of: ({ placed }) => placed, align: 'right' },
        { title: 'failed', of: ({ failed }) => failed, align: 'right' },
        { title: 'started', of: ({ startedAt }) => startedAt },
      ]),
    );
  },
});

const report = defineCommand({
  name: 'report',
  summary: 'the report of a redrive, also while it runs',
  args: [REDRIVE_ID],
  json: REDRIVE_JSON,
  examples: [{ line: 'heddle dlq report 0198c5a2-0000-7000-8000-000000000000', about: 'how far it is' }],
  async run({ args: [id = ''], output, gateway }) {
    const view = await (await gateway()).get<Redrive>(`/v1/dead-letters/redrives/${encodeURIComponent(id)}`);
    await output.show(view, () => redriveLines(view));
  },
});

const stop = defineCommand({
  name: 'stop',
  summary: 'put nothing more back; what was put back stays so',
  args: [REDRIVE_ID],
  json: REDRIVE_JSON,
  examples: [{ line: 'heddle dlq stop 0198c5a2-0000-7000-8000-000000000000', about: 'the rest stays open' }],
  async run({ args: [id = ''], output, gateway }) {
    const view = await (await gateway()).post<Redrive>(`/v1/dead-letters/redrives/${encodeURIComponent(id)}/stop`);
    await output.show(view, () => redriveLines(view));
  },
});

export const dlqCommands: readonly Command[] = [list, show, redrive, redrives, report, stop];

function filterOf({ since, until, ...rest }: Invocation<typeof FILTER>['options']): Record<string, string> {
  const given = {
    ...rest,
    ...(since === undefined ? {} : { since: timeOf(since) }),
    ...(until === undefined ? {} : { until: timeOf(until) }),
  };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function letterLines({
  id,
  at,
  event,
  queue,
  group,
  reason,
  code,
  attempts,
  lastAnswer,
  state,
  redriven,
  stored,
  deliveries,
}: LetterDetail): string[] {
  return [
    ...properties([
      ['letter', `${id}, ${state}`],
      ['redriven', redriven === undefined ? undefined : `${redriven.at} by ${redriven.by}`],
      ['given up', `${at} by ${queue ?? group ?? ''}`],
      ['reason', `${reason} (${code})`],
      ['attempts', attempts],
      ['last answer', lastAnswer],
      ['event', `${event.type} ${event.id}`],
      ['key', event.key],
      ['at', `${event.topic}/${event.partition}@${event.offset}`],
      ['data', JSON.stringify(stored.data)],
    ]),
    '',
    ...table(
      deliveries,
      [
        { title: 'attempt', of: ({ attempt }) => attempt, align: 'right' },
        { title: 'at', of: (one) => one.at },
        { title: 'outcome', of: ({ outcome }) => outcome },
        { title: 'status', of: ({ status }) => status },
        { title: 'error', of: ({ error }) => error },
      ],
      'no attempts are known any more',
    ),
  ];
}

function redriveLines({ id, state, selected, queues, placed, failed, failures, ratePerSecond }: Redrive): string[] {
  const perQueue = Object.entries(queues).map(([name, count]) => `${name}: ${count}`);
  if (state === 'counted') return [`${selected} would be put back`, ...perQueue.map((line) => `  ${line}`)];
  return [
    ...properties([
      ['redrive', id],
      ['state', state],
      ['selected', `${selected} (${perQueue.join(', ') || 'none'})`],
      ['put back', placed],
      ['failed', failed],
      ['rate', `${ratePerSecond} a second`],
    ]),
    ...failures.map(({ id: letter, reason }) => `  ${letter}: ${reason}`),
  ];
}
