import { call } from '../../support/http-call.js';
import { CONTRACT_SIGNED, ORDERS } from '../../support/cloud-event.js';
import type { QueueLine } from '../history.js';

/** A queue of a run, and how it is read. */
export interface RunQueue {
  definition: QueueLine;
  /** The share of deliveries that its receiver refuses. */
  refusedShare: number;
}

/** Of which each is read by a webhook of the same name. */
export const WEBHOOK_QUEUES: readonly RunQueue[] = [
  {
    definition: { line: 'queue', queue: 'everything', order: 'key', types: [ORDERS, CONTRACT_SIGNED] },
    refusedShare: 0.03,
  },
  {
    definition: { line: 'queue', queue: 'contracts', order: 'key', types: [CONTRACT_SIGNED] },
    refusedShare: 0,
  },
];

/** Makes a queue that begins with the first event, and the webhook that reads it. */
export async function makeWebhook(gateway: string, { definition }: RunQueue, receiversPort: number): Promise<void> {
  const { queue, types } = definition;
  const url = `http://127.0.0.1:${receiversPort}/${queue}`;
  await put(`${gateway}/v1/webhooks/${queue}`, { url, types, start: 'earliest' });
}

async function put(url: string, body: object): Promise<void> {
  const answer = await call('PUT', url, { body });
  if (answer.status >= 300) throw new Error(`PUT ${url} was answered with ${answer.status}: ${answer.text}`);
}
