import { HeddleError } from '@heddle/event';
import { type Invocation, type Options, defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import type { Gateway } from '../gateway.js';
import { type Delivered, Listener } from '../listening/listener.js';
import { type KnownPair, type Pair, checkedUrl, forgetPair, knownPair, newSecret, pairOf } from '../listening/pair.js';
import { byName } from '../manifests/names.js';
import { queueKind } from '../manifests/queue-kind.js';
import { clockTime, duration, timeOf } from '../output/times.js';

const TIMEOUT_MS = 15_000;
const AT_A_TIME = 20;

const OPTIONS = {
  queue: {
    type: 'text',
    value: 'NAME',
    about: 'a queue that is there, in place of pairs: then name one URL',
    completes: 'queue',
  },
  from: {
    type: 'text',
    value: 'WHEN',
    about: 'where a new queue begins: now, earliest, a time, or how long ago (10m, 2h)',
  },
  order: {
    type: 'text',
    value: 'ORDER',
    choices: ['key', 'none', 'queue'],
    about: 'what a new queue delivers one at a time',
  },
  retry: {
    type: 'text',
    value: 'SECONDS',
    about: 'the delays of a new queue, as 1,5,60; the usual schedule when left out',
  },
  secret: { type: 'text', value: 'WHSEC', about: 'sign with this, in place of a secret of its own' },
  mode: {
    type: 'text',
    value: 'MODE',
    choices: ['structured', 'binary'],
    about: 'how the CloudEvent is put into HTTP',
  },
  'at-a-time': {
    type: 'number',
    value: 'N',
    about: `requests under way at once, for each pair; ${AT_A_TIME} when left out`,
  },
  timeout: { type: 'number', value: 'SECONDS', about: 'until the answer is complete; 15 when left out, 25 at most' },
  remove: { type: 'flag', about: 'delete the queues of these pairs with what they hold, and end' },
} as const satisfies Options;

export const listen = defineCommand({
  name: 'listen',
  summary: 'deliver events to URLs of this machine, durably, without a tunnel',
  description: [
    'Each pair has a durable queue at the gateway, from which this command takes events over connections of its own and hands them to the URL: as signed HTTP requests, as webhooks are. A success (2xx) is accepted; all else comes again by the schedule of the queue, and is a dead letter in the end. What comes while it does not run waits, and is delivered by the next run of the same pair, under the same secret.',
    '',
    'Write pairs in quotes, so that the shell leaves * and ? alone. The URL is used as it is, query included.',
  ].join('\n'),
  args: [
    {
      name: 'TYPE=URL',
      about: 'events of these types (several with commas), and where they go',
      many: true,
      optional: true,
    },
  ],
  options: OPTIONS,
  formats: ['table', 'json'],
  json: 'a line for each pair {"kind": "listening", "queue", "types", "url", "secret"} and each delivery {"kind": "delivery", "at", "queue", "url", "id", "type", "subject", "attempt", "redelivery", "status", "error", "ms", "outcome", "nextAt"}',
  examples: [
    {
      line: "heddle listen 'sap.s4.beh.salesorder.*=http://localhost:3000/orders'",
      about: 'orders to a program of this machine',
    },
    {
      line: "heddle listen 'heddle.contract.v1.*=http://localhost:3000/hook?from=heddle' 'sap.s4.beh.*=http://localhost:3001/' --from 1h",
      about: 'two pairs, beginning with the last hour',
    },
    { line: 'heddle listen --queue orders http://localhost:3000/orders', about: 'what a queue has that is there' },
    {
      line: "heddle listen 'sap.s4.beh.salesorder.*=http://localhost:3000/orders' --remove",
      about: 'no more: delete the queue',
    },
  ],
  async run(invocation) {
    const { options, output, signal } = invocation;
    const gateway = await invocation.gateway();
    const pairs = pairsOf(invocation, gateway.url);
    if (options.remove) return remove(invocation, gateway, pairs);
    const body = newQueueOf(options);
    for (const pair of pairs) {
      await makeQueue(gateway, pair, body, options.queue !== undefined);
      const { types, url, queue, secret } = pair;
      await output.line({ kind: 'listening', queue, types, url, secret }, () =>
        [
          `${output.paint('green', '✔')} ${types.join(',') || queue} → ${url}`,
          `  queue ${queue}, signed with ${secret}`,
        ].join('\n'),
      );
    }
    const ending = new AbortController();
    const either = AbortSignal.any([signal, ending.signal]);
    const runs = pairs.map(async (pair) => {
      try {
        await listenerOf(invocation, gateway, pair, body).run(either);
      } finally {
        // One that cannot go on ends the others, in order.
        ending.abort();
      }
    });
    for (const outcome of await Promise.allSettled(runs)) if (outcome.status === 'rejected') throw outcome.reason;
  },
});

type ListenInvocation = Invocation<typeof OPTIONS>;

function pairsOf({ args, options, terminal }: ListenInvocation, gateway: string): KnownPair[] {
  const { queue, secret } = options;
  if (queue !== undefined) {
    const [url, ...more] = args;
    if (url === undefined || more.length > 0)
      throw wrongLine('With --queue name one URL: heddle listen --queue NAME URL.');
    return [{ types: [], url: checkedUrl(url), queue, secret: secret ?? newSecret() }];
  }
  if (args.length === 0) throw wrongLine("Name a pair: heddle listen 'TYPE=URL', or a --queue and a URL.");
  return args.map((text) => knownPair(terminal.environment.configHome, gateway, pairOf(text), secret));
}

/** What a queue is made with where there is none yet. */
function newQueueOf({ from = 'now', order = 'key', retry }: ListenInvocation['options']): Record<string, unknown> {
  const start = from === 'now' || from === 'earliest' ? from : { time: timeOf(from) };
  if (retry === undefined) return { start, order };
  const delaysMs = retry.split(',').map((seconds) => Math.round(Number(seconds) * 1000));
  if (delaysMs.some((ms) => !Number.isFinite(ms) || ms < 0))
    throw wrongLine(`--retry takes seconds, as 1,5,60, not ${retry}.`);
  return { start, order, retry: { delaysMs, jitter: 0 } };
}

/** Made when it is not there; one that is stays as it is, with its position. */
async function makeQueue(gateway: Gateway, { queue, types }: KnownPair, body: object, isNamed: boolean): Promise<void> {
  const path = `/v1/queues/${queue}`;
  if (isNamed) {
    await byName(gateway, queueKind, queue, () => gateway.get(path));
    return;
  }
  try {
    await gateway.request('PUT', path, { body: { types, ...body }, headers: { 'if-none-match': '*' } });
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'precondition-failed') throw error;
  }
}

function listenerOf({ options, output }: ListenInvocation, gateway: Gateway, pair: KnownPair, body: object): Listener {
  const { url, queue, secret } = pair;
  const timeoutMs = Math.min(25_000, options.timeout === undefined ? TIMEOUT_MS : options.timeout * 1000);
  const mode = options.mode === 'binary' ? 'binary' : 'structured';
  return new Listener(gateway, { url, queue, secret, mode, timeoutMs }, options['at-a-time'] ?? AT_A_TIME, {
    onDelivered: (delivered) => void output.line({ kind: 'delivery', ...delivered }, () => lineOf(delivered, output)),
    onAway: (reason) =>
      output.note(
        reason === undefined
          ? `${output.paint('green', '✔')} the gateway is back`
          : `${output.paint('yellow', '…')} ${reason} Trying again.`,
      ),
    remake: () => {
      output.note(`${output.paint('yellow', '…')} the queue ${queue} is gone`);
      return makeQueue(gateway, pair, body, options.queue !== undefined);
    },
  });
}

async function remove(
  { output, terminal }: ListenInvocation,
  gateway: Gateway,
  pairs: readonly KnownPair[],
): Promise<void> {
  for (const pair of pairs) {
    if (pair.types.length === 0)
      throw wrongLine('A queue that was named is not deleted here: heddle queue delete does it.');
    const isGone = await gateway.request('DELETE', `/v1/queues/${pair.queue}`).then(
      () => true,
      (error: unknown) => {
        if (error instanceof HeddleError && error.code === 'not-found') return false;
        throw error;
      },
    );
    forgetPair(terminal.environment.configHome, gateway.url, pair satisfies Pair);
    await output.line(
      { kind: 'removed', queue: pair.queue },
      () => `${pair.queue} ${isGone ? 'is deleted' : 'was not there'}`,
    );
  }
}

function lineOf(delivered: Delivered, output: Invocation['output']): string {
  const { at, status, error, ms, type, subject, url, attempt, outcome, nextAt } = delivered;
  const isTaken = outcome === 'accepted';
  const notes = [
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(outcome === 'released' && nextAt !== undefined ? [`comes again at ${clockTime(nextAt)}`] : []),
    ...(outcome === 'dead' ? ['was the last attempt: a dead letter'] : []),
    ...(outcome === 'lost' ? ['its lease had ended: comes again'] : []),
  ];
  return [
    output.paint('dim', clockTime(at)),
    output.paint(isTaken ? 'green' : 'red', String(status ?? '✖').padEnd(3)),
    duration(ms).padStart(8),
    output.paint('cyan', type),
    subject,
    `→ ${url}`,
    ...(error === undefined ? [] : [error]),
    ...(notes.length === 0 ? [] : [`(${notes.join(', ')})`]),
  ].join('  ');
}
