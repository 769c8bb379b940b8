// What is said of leases in JSON, over HTTP and WebSocket alike. As texts: deliveries are the hot path of both.

import type { Grant, SettleResult } from '../queues/lease-book.js';

/** One delivery. Event and state are put in as the texts that all receivers share. */
export function deliveryText(grant: Grant): string {
  return `${openDelivery(grant, grant.lease.event.openJson)}}`;
}

/** The same for another instance, which writes it as this one would: with the very bytes of a raw message. */
export function lentDeliveryText(grant: Grant): string {
  const { event } = grant.lease;
  return `${openDelivery(grant, event.exactJson)},"appendedAt":${event.stored.appendedAt}}`;
}

function openDelivery({ token, lease, expiresAt }: Grant, event: string): string {
  const { attempt, redelivery, cycle, state } = lease;
  const replayed = cycle === '' ? '' : `"cycle":${JSON.stringify(cycle)},`;
  const attached = state === undefined ? '' : `,"state":${state === null ? 'null' : state.json}`;
  return `{"lease":"${token}","expiresAt":"${moment(expiresAt)}","attempt":${attempt},"redelivery":"${redelivery}",${replayed}"event":${event}}${attached}`;
}

/** What became of settlements, in their order. */
export function resultsText(settlements: readonly { lease: string }[], results: readonly SettleResult[]): string {
  let text = '';
  for (let at = 0; at < results.length; at += 1) {
    text += (at === 0 ? '' : ',') + resultText(settlements[at]!.lease, results[at]!);
  }
  return `[${text}]`;
}

function resultText(lease: string, result: SettleResult): string {
  // A lease that was found is a token of ours; any other text may need escapes.
  if ('code' in result) return JSON.stringify({ lease, code: result.code });
  if (result.state === 'dead') return JSON.stringify({ lease, ...result });
  let text = `{"lease":"${lease}","state":"${result.state}"`;
  if ('expiresAt' in result) text += `,"expiresAt":"${moment(result.expiresAt)}"`;
  if ('dueAt' in result && result.dueAt !== undefined) text += `,"dueAt":"${moment(result.dueAt)}"`;
  return `${text}}`;
}

let lastMs = 0;
let lastText = '';

/** A moment as text. Leases given out together end together: the last one is mostly the same again. */
export function moment(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}
