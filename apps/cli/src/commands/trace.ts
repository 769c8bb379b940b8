import { defineCommand, type Invocation } from '../command.js';
import { type TreeNode, tree } from '../output/tree.js';
import { clockTime, duration } from '../output/times.js';

interface Attempt {
  at: string;
  ms: number;
  attempt: number;
  receiver: { kind: string; name: string };
  redelivery: string;
  outcome: string;
  status?: number;
  error?: string;
  errorClass?: string;
  nextAt?: string;
}

interface Delivery {
  queue: string;
  cycle: string;
  state: 'accepted' | 'dead' | 'dropped' | 'open';
  settledAt?: string;
  repeats: number;
  attempts: Attempt[];
  deadLetter?: string;
}

interface Summary {
  event: { id: string; source: string; type: string; key: string; topic: string; partition: number; offset: number };
  raisedAt?: string;
  appendedAt?: string;
  deliveries: Delivery[];
  timeline: { at: string; what: string; queue?: string; cycle?: string; detail?: string }[];
}

interface Found {
  events: Summary[];
  next?: string;
  indexedUpTo: string;
  partial: boolean;
}

const COLOURS = { accepted: 'green', dead: 'red', dropped: 'yellow', open: 'cyan' } as const;

export const trace = defineCommand({
  name: 'trace',
  summary: 'what became of an event, or of all events of an object',
  description:
    'Each step with its time: raised, appended, to which queue, each attempt with its answer, how it ended. The answer to "why did my event not arrive".',
  args: [
    { name: 'ID|OBJECT', about: 'the id of an event; or, with a key, a business object as sales-order' },
    { name: 'KEY', about: 'a business key', optional: true },
  ],
  options: {
    source: { type: 'text', value: 'URI', about: 'where several sources use the same id' },
    limit: { type: 'number', short: 'n', value: 'N', about: 'events of an object, the newest; 20 when left out' },
  },
  json: '{"events": [{"event", "raisedAt", "appendedAt", "deliveries", "timeline"}], "indexedUpTo", "partial"}, as GET /v1/events/{id} and GET /v1/objects/{object}/{key}/events have it',
  examples: [
    { line: 'heddle trace 0198c5a2-7d3e-7abc-9def-0123456789ab', about: 'one event' },
    { line: 'heddle trace sales-order 4711', about: 'all that happened to an order' },
    { line: 'heddle trace sales-order 4711 --json', about: 'the same for a program' },
  ],
  async run({ args: [first = '', key], options, output, gateway: open }) {
    const gateway = await open();
    const { source, limit = 20 } = options;
    const found =
      key === undefined
        ? await gateway.get<Found>(`/v1/events/${encodeURIComponent(first)}`, { source })
        : await gateway.get<Found>(`/v1/objects/${encodeURIComponent(first)}/${encodeURIComponent(key)}/events`, {
            limit,
          });
    await output.show(found, () => traceLines(found, output));
    if (found.partial) output.note(`… this is as of ${found.indexedUpTo}: the index is still reading.`);
  },
});

/** The events as trees, the oldest first, for time goes down. */
export function traceLines(
  { events, next }: Pick<Found, 'events' | 'next'>,
  output: Pick<Invocation['output'], 'paint'>,
): string[] {
  if (events.length === 0) return ['no events'];
  const oldestFirst = events.toSorted((a, b) => begunAt(a).localeCompare(begunAt(b)));
  return [
    ...(next === undefined ? [] : ['… there are older ones: --limit shows more']),
    ...tree(oldestFirst.map((summary) => eventNode(summary, output))),
  ];
}

function eventNode(
  { event, raisedAt, appendedAt, deliveries }: Summary,
  output: Pick<Invocation['output'], 'paint'>,
): TreeNode {
  const { type, key, id, topic, partition, offset } = event;
  return {
    text: `${output.paint('bold', type)}  ${key}  ${id}`,
    children: [
      ...(raisedAt === undefined ? [] : [{ text: `raised    ${raisedAt}` }]),
      ...(appendedAt === undefined
        ? []
        : [{ text: `appended  ${appendedAt}${after(raisedAt, appendedAt)}  ${topic}/${partition}@${offset}` }]),
      ...(deliveries.length === 0 ? [{ text: 'no queue had it: none wanted it, or none was there yet' }] : []),
      ...deliveries.map((delivery) => deliveryNode(delivery, appendedAt, output)),
    ],
  };
}

function deliveryNode(
  { queue, cycle, state, settledAt, repeats, attempts, deadLetter }: Delivery,
  appendedAt: string | undefined,
  output: Pick<Invocation['output'], 'paint'>,
): TreeNode {
  const again = cycle === '' ? '' : `  again, by ${cycle}`;
  const ended = settledAt === undefined ? '' : `  ${settledAt}${cycle === '' ? after(appendedAt, settledAt) : ''}`;
  const letter = deadLetter === undefined ? '' : `  dead letter ${deadLetter}`;
  const repeated = repeats > 0 ? `  ${repeats} more after the end` : '';
  return {
    text: `queue ${output.paint('bold', queue)}  ${output.paint(COLOURS[state], state)}${ended}${letter}${again}${repeated}`,
    children: attempts.map((attempt) => ({ text: attemptText(attempt) })),
  };
}

function attemptText({
  at,
  ms,
  attempt,
  receiver,
  redelivery,
  outcome,
  status,
  error,
  errorClass,
  nextAt,
}: Attempt): string {
  const answer = [status, errorClass, error].filter((part) => part !== undefined).join(' ');
  return [
    clockTime(at),
    `attempt ${attempt}`,
    outcome,
    duration(ms),
    `${receiver.kind} ${receiver.name}`,
    ...(answer === '' ? [] : [answer]),
    ...(redelivery === 'no' ? [] : [`redelivery: ${redelivery}`]),
    ...(nextAt === undefined ? [] : [`next at ${clockTime(nextAt)}`]),
  ].join('  ');
}

function begunAt({ appendedAt, raisedAt, timeline }: Summary): string {
  return appendedAt ?? raisedAt ?? timeline[0]?.at ?? '';
}

/** ` (+12 ms)` */
function after(before: string | undefined, at: string): string {
  const ms = before === undefined ? Number.NaN : Date.parse(at) - Date.parse(before);
  return ms >= 0 ? ` (+${duration(ms)})` : '';
}
