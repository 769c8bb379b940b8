import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientCredentials, ClientTokens } from '@heddle/auth';
import { Chance } from '../../support/chance.js';
import { type CloudEvent, versionOf } from '../../support/cloud-event.js';
import { addKey, authorizationFor } from '../../support/keyring.js';
import { type DeliveryLine, moment } from '../history.js';
import { type RunQueue, nameOf } from './queues.js';
import { HistoryLog, contentOf, digestOf } from './history-log.js';

/**
 * The receivers of all webhooks of a run, in a process of their own that nobody kills. The path of a request is the name
 * of its queue. They answer after a while, refuse some by chance, and now and then fetch the object that is spoken of.
 */
export interface ReceiverOptions {
  file: string;
  port: number;
  seed: number;
  gateways: readonly string[];
  /** Whom objects are fetched as. */
  credentials: ClientCredentials;
  queues: readonly RunQueue[];
}

const FETCHED_SHARE = 0.02;

const options = JSON.parse(process.argv[2] ?? '') as ReceiverOptions;
const log = new HistoryLog(options.file);
const chance = new Chance(options.seed);
const tokens = new ClientTokens(options.credentials);
for (const gateway of options.gateways) addKey(gateway, tokens);
const queues = new Map(options.queues.map((one) => [one.definition.queue, one]));
/** Ids that were accepted, per queue and cycle. */
const accepted = new Map<string, Set<string>>();
let deliveries = 0;

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const counts = Object.fromEntries([...accepted].map(([queue, ids]) => [queue, ids.size]));
    response.end(JSON.stringify({ deliveries, accepted: counts }));
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => void receive(request, response, Buffer.concat(chunks)));
});
server.listen(options.port, '127.0.0.1');

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
process.once('disconnect', () => void stop());

async function receive(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  const begin = moment();
  let cutAt: number | undefined;
  response.on('close', () => (cutAt ??= moment()));
  const queue = (request.url ?? '/').slice(1);
  const event = JSON.parse(body.toString('utf8')) as CloudEvent;
  deliveries += 1;
  const { refusedShare = 0, handlingMs = 0 } = queues.get(queue) ?? {};
  await delay(chance.between(0, handlingMs));
  const isRefused = chance.next() < refusedShare;
  const { headers } = request;
  const header = (name: string): string => String(headers[name] ?? '');
  const line: DeliveryLine = {
    line: 'delivery',
    receiver: 'webhooks',
    queue,
    id: event.id,
    type: event.type,
    key: event.subject,
    ...(event.sequence === undefined ? {} : { sequence: Number(event.sequence) }),
    attempt: Number(header('heddle-attempt')),
    redelivery: header('heddle-redelivery') as DeliveryLine['redelivery'],
    bytes: digestOf(body),
    content: contentOf(event.data),
    begin,
    end: cutAt ?? moment(),
    answer: cutAt === undefined ? (isRefused ? 'release' : 'accept') : 'cut',
    ...(headers['heddle-cycle'] === undefined ? {} : { cycle: header('heddle-cycle') }),
    ...(headers['heddle-epoch'] === undefined ? {} : { epoch: header('heddle-epoch') }),
  };
  log.write(line);
  if (line.answer === 'accept') remember(line);
  response.writeHead(isRefused ? 503 : 204).end();
  if (event.dataref !== undefined && chance.next() < FETCHED_SHARE) await fetchNotified(event);
}

function remember({ queue, id, cycle }: DeliveryLine): void {
  const name = nameOf(queue, cycle);
  let ids = accepted.get(name);
  if (ids === undefined) accepted.set(name, (ids = new Set()));
  ids.add(id);
}

async function fetchNotified(event: CloudEvent): Promise<void> {
  const begin = moment();
  const gateway = options.gateways[chance.between(0, options.gateways.length - 1)]!;
  const { pathname, search } = new URL(event.dataref ?? '', gateway);
  try {
    const headers = await authorizationFor(gateway);
    const response = await fetch(`${gateway}${pathname}${search}`, { headers, signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    const version = Number(/^(?:W\/)?"(\d+)"$/.exec(response.headers.get('etag') ?? '')?.[1]);
    log.write({
      line: 'fetch',
      topic: 'sales-order',
      key: event.subject,
      notified: versionOf(event),
      status: response.status,
      ...(Number.isNaN(version) ? {} : { version }),
      begin,
      end: moment(),
    });
  } catch {
    // A gateway that is away answers nothing: then nothing was fetched.
  }
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  server.close();
  await log.close();
  process.exit(0);
}
