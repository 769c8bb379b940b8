import { type Command, defineCommand } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { channelKind } from '../manifests/channel-kind.js';
import type { View } from '../manifests/kind.js';
import { manifestCommands } from '../manifests/manifest-commands.js';
import { byName } from '../manifests/names.js';
import { type Column, table } from '../output/table.js';
import { timeOf } from '../output/times.js';

interface Check {
  channel: string;
  ok: boolean;
  checks: { of: string; name?: string; ok: boolean; detail: string; lastFailure?: string }[];
}

interface Counts {
  type: string;
  published: number;
  acknowledged: number;
  consumed: number;
  failed: number;
  retrying: number;
  open: number;
}

interface Monitor {
  channel: string;
  active: boolean;
  held: number;
  bindings: Counts[];
  unbound: Counts[];
}

interface ChannelEvent {
  event: { id: string; type: string; key: string };
  status: string;
  attempts: number;
  lastAttemptAt: string;
  deadLetter?: string;
  reason?: string;
}

interface Tested {
  events: { id: string; type: string }[];
  held: { type: string; reason: string }[];
}

const NAME = { name: 'NAME', about: 'of a channel', completes: 'channel' } as const;
const SINCE = { type: 'text', value: 'TIME', about: 'at or after this time; also how long ago, as 2h' } as const;
const STATUSES = ['published', 'acknowledged', 'consumed', 'failed', 'dropped', 'retrying'] as const;

const pathOf = (name: string, what: string): string => `/v1/channels/${encodeURIComponent(name)}/${what}`;
const COUNTED = ['published', 'acknowledged', 'consumed', 'failed', 'retrying', 'open'] as const;
const COLUMNS: readonly Column<Counts>[] = [
  { title: 'binding', of: ({ type }) => type },
  ...COUNTED.map((name): Column<Counts> => ({ title: name, of: (counts) => counts[name], align: 'right' })),
];

function switching(name: 'activate' | 'deactivate', summary: string): Command {
  return defineCommand({
    name,
    summary,
    args: [NAME],
    json: 'as GET /v1/channels/NAME shows it',
    examples: [{ line: `heddle channel ${name} ERP_OUT`, about: summary }],
    async run({ args: [channel = ''], output, gateway: open }) {
      const gateway = await open();
      const view = await byName(gateway, channelKind, channel, () => gateway.post<View>(pathOf(channel, name)));
      await output.show(view, () => `${name}d  channel ${channel}`);
    },
  });
}

const check = defineCommand({
  name: 'check',
  summary: 'whether events leave it: activation, consent of receivers, the last success and failure',
  description: `Ends with ${EXIT.failed.code} where something is not as it should be.`,
  args: [NAME],
  json: '{"channel", "ok", "checks": [{"of", "name", "ok", "detail", "lastSuccessAt", "lastFailureAt", "lastFailure"}]}',
  examples: [{ line: 'heddle channel check ERP_OUT', about: 'before you ask the receiver' }],
  async run({ args: [name = ''], output, gateway: open }) {
    const gateway = await open();
    const checked = await byName(gateway, channelKind, name, () => gateway.get<Check>(pathOf(name, 'check')));
    await output.show(checked, () =>
      checked.checks.map(({ of, name: webhook, ok, detail, lastFailure }) => {
        const mark = ok ? output.paint('green', 'ok    ') : output.paint('red', 'wrong ');
        const about = webhook === undefined ? of : `${of} ${webhook}`;
        return `${mark} ${about}: ${detail}${ok || lastFailure === undefined ? '' : ` (${lastFailure})`}`;
      }),
    );
    return checked.ok ? EXIT.ok.code : EXIT.failed.code;
  },
});

const test = defineCommand({
  name: 'test',
  summary: 'put samples of its event types into it alone, marked as tests',
  args: [
    NAME,
    { name: 'TYPE', about: 'of those bound; all when left out', optional: true, many: true, completes: 'type' },
  ],
  options: { count: { type: 'number', short: 'n', value: 'N', about: 'samples of each type; 1 when left out' } },
  json: '{"events": [{"id", "type"}], "held": [{"type", "reason"}]}',
  examples: [{ line: 'heddle channel test ERP_OUT', about: 'one of each type that leaves by it' }],
  async run({ args: [name = '', ...types], options: { count = 1 }, output, gateway: open }) {
    const gateway = await open();
    const body = { ...(types.length === 0 ? {} : { types }), count };
    const made = await byName(gateway, channelKind, name, () =>
      gateway.post<Tested>(pathOf(name, 'test-events'), body),
    );
    await output.show(made, () => [
      ...made.events.map(({ id, type }) => `${id}  ${type}`),
      ...made.held.map(({ type, reason }) => `${output.paint('yellow', 'held back')}  ${type}: ${reason}`),
    ]);
  },
});

const monitor = defineCommand({
  name: 'monitor',
  summary: 'what became of its events, by binding',
  args: [NAME],
  options: { since: { ...SINCE, about: `${SINCE.about}; the last day when left out` } },
  json: 'as GET /v1/channels/NAME/monitor shows it',
  examples: [{ line: 'heddle channel monitor ERP_OUT --since 2h', about: 'of the last two hours' }],
  async run({ args: [name = ''], options: { since }, output, gateway: open }) {
    const gateway = await open();
    const query = since === undefined ? {} : { since: timeOf(since) };
    const path = pathOf(name, 'monitor');
    const view = await byName(gateway, channelKind, name, () => gateway.get<Monitor>(path, query));
    await output.show(view, () => [
      ...table([...view.bindings, ...view.unbound], COLUMNS),
      `${view.held} held${view.active ? '' : '; it is not active'}`,
    ]);
  },
});

const events = defineCommand({
  name: 'events',
  summary: 'its events one by one, the newest first',
  args: [NAME],
  options: {
    status: { type: 'text', value: 'STATUS', choices: STATUSES, about: 'only of this one' },
    type: { type: 'text', value: 'TYPE', about: 'only of this event type', completes: 'type' },
    since: { ...SINCE, about: `${SINCE.about}; the last day when left out` },
    limit: { type: 'number', short: 'n', value: 'N', about: 'so many at most; 100 when left out' },
  },
  json: '[{"event", "status", "cycle", "attempts", "publishedAt", "lastAttemptAt", "deadLetter", "reason", "retried"}]',
  examples: [{ line: 'heddle channel events ERP_OUT --status failed', about: 'what was given up, and why' }],
  async run({ args: [name = ''], options: { since, limit = 100, ...which }, output, gateway: open }) {
    const gateway = await open();
    const query = { ...which, ...(since === undefined ? {} : { since: timeOf(since) }), limit };
    const ask = () => gateway.get<{ events: ChannelEvent[] }>(pathOf(name, 'events'), query);
    const { events: found } = await byName(gateway, channelKind, name, ask);
    await output.show(found, () =>
      table(found, [
        { title: 'last', of: ({ lastAttemptAt }) => lastAttemptAt },
        { title: 'status', of: ({ status }) => status },
        { title: 'type', of: ({ event }) => event.type },
        { title: 'key', of: ({ event }) => event.key },
        { title: 'id', of: ({ event }) => event.id },
        { title: 'attempts', of: ({ attempts }) => attempts, align: 'right' },
        { title: 'letter', of: ({ deadLetter }) => deadLetter },
        { title: 'reason', of: ({ reason }) => reason },
      ]),
    );
  },
});

const retry = defineCommand({
  name: 'retry',
  summary: 'put its dead letters back into it: all open ones, those of a type, or by their ids',
  args: [NAME, { name: 'ID', about: 'of dead letters', optional: true, many: true }],
  options: {
    type: { type: 'text', value: 'TYPE', about: 'only of this event type', completes: 'type' },
    'dry-run': { type: 'flag', about: 'count them, and put none back' },
  },
  json: 'the redrive: {"id", "state", "selected", "placed", "failed", …}',
  examples: [
    { line: 'heddle channel retry ERP_OUT', about: 'all that failed' },
    { line: 'heddle channel retry ERP_OUT 7-1042', about: 'one' },
  ],
  async run({ args: [name = '', ...ids], options: { type, 'dry-run': dryRun }, output, gateway: open }) {
    const gateway = await open();
    const body = { ...(ids.length === 0 ? {} : { ids }), ...(type === undefined ? {} : { type }), dryRun };
    const ask = () => gateway.post<{ id: string; selected: number }>(pathOf(name, 'retry'), body);
    const begun = await byName(gateway, channelKind, name, ask);
    const after = dryRun ? '' : `; heddle dlq report ${begun.id} says how far they are`;
    await output.show(begun, () => `${begun.selected} dead letters${after}`);
  },
});

export const channelCommands: readonly Command[] = [
  ...manifestCommands(channelKind),
  switching('activate', 'let events leave again'),
  switching('deactivate', 'keep events until it is activated'),
  check,
  test,
  monitor,
  events,
  retry,
];
