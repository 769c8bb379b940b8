import { setTimeout as delay } from 'node:timers/promises';
import { call } from '../../support/http-call.js';
import { CONTRACT_SIGNED, ORDERS } from '../../support/cloud-event.js';
import type { QueueLine } from '../history.js';

/** A queue of a run, and how it is read. */
export interface RunQueue {
  definition: QueueLine;
  readBy: 'webhook' | 'pull';
  /** The share of deliveries that its receiver refuses. */
  refusedShare: number;
  /** How long its receiver takes at most, in milliseconds. */
  handlingMs: number;
}

/** More than anything in a run can need. */
const WITHOUT_END = 1000;
const LEASE_MS = 4000;
const MOST_TRIES = 40;
const EVERYTHING = [ORDERS, CONTRACT_SIGNED];

/** What the queues of a run are: every order, both ways of reading, and one that gives up soon. */
export const QUEUES: readonly RunQueue[] = [
  queue('webhook', 'everything', 'key', EVERYTHING, { refusedShare: 0.03 }),
  queue('webhook', 'orders-given-up-soon', 'key', [ORDERS], { refusedShare: 0.3, attempts: 3 }),
  queue('webhook', 'contracts-in-any-order', 'none', [CONTRACT_SIGNED], { refusedShare: 0.05 }),
  queue('webhook', 'contracts-in-a-row', 'queue', [CONTRACT_SIGNED], { refusedShare: 0.005, handlingMs: 1 }),
  queue('pull', 'everything-pulled', 'key', EVERYTHING, { refusedShare: 0.03 }),
];

function queue(
  readBy: RunQueue['readBy'],
  name: string,
  order: QueueLine['order'],
  types: readonly string[],
  { refusedShare = 0, handlingMs = 12, attempts = WITHOUT_END },
): RunQueue {
  return { definition: { line: 'queue', queue: name, order, types, attempts }, readBy, refusedShare, handlingMs };
}

/** What deliveries of a queue are counted under: each cycle by itself. */
export function nameOf(queue: string, cycle = ''): string {
  return cycle === '' ? queue : `${queue} ${cycle}`;
}

/** Makes a queue that begins with the first event, and the webhook that reads it, if one does. */
export async function makeQueue(
  gateways: readonly string[],
  { definition, readBy }: RunQueue,
  receiversPort: number,
): Promise<void> {
  const { queue: name, types, order, attempts } = definition;
  const retry = { firstMs: 50, factor: 2, capMs: 1000, jitter: 0.25, attempts };
  await put(gateways, `/v1/queues/${name}`, { types, order, retry, leaseMs: LEASE_MS, start: 'earliest' });
  if (readBy !== 'webhook') return;
  await put(gateways, `/v1/webhooks/${name}`, { url: `http://127.0.0.1:${receiversPort}/${name}`, queue: name });
}

/** A queue may just be moving to another instance: then another is asked, and again. */
async function put(gateways: readonly string[], path: string, body: object): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const answer = await call('PUT', gateways[tries % gateways.length]! + path, { body });
    if (answer.status < 300) return;
    if (answer.status !== 503 || tries === MOST_TRIES) {
      throw new Error(`PUT ${path} was answered with ${answer.status}: ${answer.text}`);
    }
    await delay(500);
  }
}
