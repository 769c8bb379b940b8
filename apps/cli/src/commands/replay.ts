import { type Command, defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import { follow } from '../following/progress.js';
import { byName } from '../manifests/names.js';
import { queueKind } from '../manifests/queue-kind.js';
import { properties, table } from '../output/table.js';
import { duration, timeOf } from '../output/times.js';

interface Replay {
  id: string;
  queue: string;
  state: 'running' | 'done' | 'stopped';
  key?: string;
  eventIds?: string[];
  ratePerSecond: number;
  requestedAt: string;
  endedAt?: string;
  report: { taken: number; accepted: number; dead: number; dropped: number };
  progress?: { lookedAt: number; of: number; open: number; perSecond: number; etaSeconds?: number; gaps: number };
}

interface Count {
  events: number;
  isEstimate: boolean;
  lookedAt: number;
  of: number;
}

const QUEUE = { name: 'QUEUE', about: 'the queue', completes: 'queue' } as const;
const ID = { name: 'ID', about: 'of the replay' } as const;
const JSON_SHAPE =
  '{"id", "queue", "state": "running|done|stopped", "start", "end", "key", "eventIds", "filter", "ratePerSecond", "requestedAt", "endedAt", "report": {"taken", "accepted", "dead", "dropped"}, "progress"}';

const start = defineCommand({
  name: 'start',
  summary: 'deliver stored events of a queue again, beside what is new',
  description:
    'Shows how far it is until all of it is settled by the receivers of the queue. Ctrl-C ends the watching; replay stop ends the replay.',
  args: [QUEUE],
  options: {
    from: {
      type: 'text',
      value: 'WHEN',
      about: 'where it begins: earliest, a time of the log, or how long ago (10m, 2h, 1d)',
    },
    to: { type: 'text', value: 'WHEN', about: 'where it ends, exclusive; now when left out' },
    key: { type: 'text', value: 'KEY', about: 'only events of this business key' },
    id: { type: 'text', many: true, value: 'ID', about: 'only this event' },
    filter: {
      type: 'text',
      many: true,
      value: 'CEL',
      about: 'only events for which this expression holds; or a filter as JSON',
    },
    rate: { type: 'number', value: 'N', about: 'deliveries begun a second, at most; 500 when left out' },
    'dry-run': { type: 'flag', about: 'count them, and deliver none' },
    'no-wait': { type: 'flag', about: 'do not wait for the end' },
  },
  json: `${JSON_SHAPE}; with --dry-run {"events", "isEstimate", "lookedAt", "of"}`,
  examples: [
    { line: 'heddle replay start orders --from 2h --dry-run', about: 'how many events that would be' },
    { line: 'heddle replay start orders --from 2h --rate 100', about: 'the last two hours, a hundred a second' },
    { line: 'heddle replay start orders --from earliest --key 4711 --no-wait', about: 'all of one order' },
    {
      line: 'heddle replay start orders --from 1d --filter \'data.SalesOrderType == "OR"\'',
      about: 'of the last day, what fits',
    },
  ],
  async run({ args: [queue = ''], options, output, signal, gateway: open }) {
    const { from, to, key, id, filter, rate, 'dry-run': dryRun, 'no-wait': noWait } = options;
    if (from === undefined && id.length === 0)
      throw wrongLine('Say where it begins: --from earliest, a time, or 2h; or name events by --id.');
    const gateway = await open();
    const path = `/v1/queues/${encodeURIComponent(queue)}`;
    const body = {
      ...(from === undefined ? {} : { from: from === 'earliest' ? from : { time: timeOf(from) } }),
      ...(to === undefined || to === 'now' ? {} : { to: { time: timeOf(to) } }),
      ...(key === undefined ? {} : { key }),
      ...(id.length === 0 ? {} : { eventIds: id }),
      filter: filter.map(filterOf),
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
      dryRun,
    };
    const answer = await byName(gateway, queueKind, queue, () => gateway.post<Replay | Count>(`${path}/replay`, body));
    if (!('id' in answer)) {
      const about = answer.isEstimate
        ? `about ${answer.events} (an estimate: ${answer.lookedAt} of ${answer.of} records were looked at)`
        : String(answer.events);
      return output.show(answer, () => `${about} events would be delivered again`);
    }
    const ended = noWait
      ? answer
      : await follow(answer, {
          read: () => gateway.get<Replay>(`${path}/replays/${answer.id}`),
          isOver: ({ state }) => state !== 'running',
          text: progressText,
          output,
          signal,
        });
    await output.show(ended, () => replayLines(ended));
  },
});

const list = defineCommand({
  name: 'list',
  summary: 'the replays of a queue: those that run, and the last that ended',
  args: [QUEUE],
  json: `[${JSON_SHAPE}]`,
  examples: [{ line: 'heddle replay list orders', about: 'of one queue' }],
  async run({ args: [queue = ''], output, gateway: open }) {
    const gateway = await open();
    const path = `/v1/queues/${encodeURIComponent(queue)}/replays`;
    const { replays } = await byName(gateway, queueKind, queue, () => gateway.get<{ replays: Replay[] }>(path));
    await output.show(replays, () =>
      table(replays, [
        { title: 'id', of: ({ id }) => id },
        { title: 'state', of: ({ state }) => state },
        { title: 'taken', of: ({ report }) => report.taken, align: 'right' },
        { title: 'accepted', of: ({ report }) => report.accepted, align: 'right' },
        { title: 'dead', of: ({ report }) => report.dead, align: 'right' },
        { title: 'requested', of: ({ requestedAt }) => requestedAt },
      ]),
    );
  },
});

const report = defineCommand({
  name: 'report',
  summary: 'how far a replay is, and what it came to',
  args: [QUEUE, ID],
  json: JSON_SHAPE,
  examples: [{ line: 'heddle replay report orders 0198c5a2-0000-7000-8000-000000000000', about: 'of one' }],
  async run({ args: [queue = '', id = ''], output, gateway }) {
    const path = `/v1/queues/${encodeURIComponent(queue)}/replays/${encodeURIComponent(id)}`;
    const view = await (await gateway()).get<Replay>(path);
    await output.show(view, () => replayLines(view));
  },
});

const stop = defineCommand({
  name: 'stop',
  summary: 'lease nothing more of a replay',
  args: [QUEUE, ID],
  json: JSON_SHAPE,
  examples: [
    { line: 'heddle replay stop orders 0198c5a2-0000-7000-8000-000000000000', about: 'the live deliveries go on' },
  ],
  async run({ args: [queue = '', id = ''], output, gateway }) {
    const path = `/v1/queues/${encodeURIComponent(queue)}/replays/${encodeURIComponent(id)}/stop`;
    const view = await (await gateway()).post<Replay>(path);
    await output.show(view, () => replayLines(view));
  },
});

export const replayCommands: readonly Command[] = [start, list, report, stop];

function filterOf(text: string): unknown {
  if (!text.startsWith('{')) return { cel: text };
  try {
    return JSON.parse(text);
  } catch {
    throw wrongLine(`--filter ${text} begins as JSON, and is none.`);
  }
}

function progressText({ report: { taken, accepted, dead, dropped }, progress }: Replay): string {
  const { lookedAt = 0, of = 0, etaSeconds } = progress ?? {};
  const eta = etaSeconds === undefined ? '' : `, ${duration(etaSeconds * 1000)} left`;
  return `… looked at ${lookedAt} of ${of}, taken ${taken}, settled ${accepted + dead + dropped}${eta}`;
}

function replayLines({ id, queue, state, key, eventIds, ratePerSecond, report: done, progress }: Replay): string[] {
  return properties([
    ['replay', id],
    ['queue', queue],
    ['state', state],
    ['key', key],
    ['events', eventIds?.join(' ')],
    ['taken', done.taken],
    ['accepted', done.accepted],
    ['dead', done.dead],
    ['dropped', done.dropped],
    ['open', progress?.open],
    ['gaps', progress?.gaps],
    ['rate', `${ratePerSecond} a second`],
  ]);
}
