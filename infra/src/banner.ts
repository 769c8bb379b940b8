import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { CHECKOUT } from './checkout.mjs';
import { urlOf, type MeshGround, type MeshPorts } from './mesh-apps.js';
import { createOrder, createPartner } from './sample-objects.js';

const SINK_PORT = 9400;

/** What runs where, and lines to paste that make an event arrive. */
export function banner({ ground, ports, logs }: { ground: MeshGround; ports: MeshPorts; logs: string }): string {
  const gateway = urlOf('gateway', ports);
  const rows = [
    ['gateway', gateway, 'events in and out; /openapi.json, /asyncapi.json, /v1/catalogue'],
    ['sales-order', urlOf('sales-order', ports), '/openapi.json'],
    ['business-partner', urlOf('business-partner', ports), '/openapi.json'],
    ['Kafka', ground.kafkaBrokers.join(','), ''],
    ['schema registry', ground.registryUrl, ''],
    ['PostgreSQL', withoutPassword(ground.databaseUrl), ''],
    ['logs', fromCheckout(logs), 'one file each'],
  ] as const;
  const width = Math.max(...rows.map(([, where]) => where.length));
  const table = rows.map(([what, where, note]) => `  ${what.padEnd(17)} ${where.padEnd(width)}  ${note}`.trimEnd());
  return ['', 'Heddle runs. Ctrl-C stops it; what it holds stays.', '', ...table, '', ...tryIt(ports), ''].join('\n');
}

function tryIt(ports: MeshPorts): string[] {
  const gateway = urlOf('gateway', ports);
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const partner = String(randomBytes(3).readUIntBE(0, 3) + 10_000_000);
  const order = String(randomBytes(3).readUIntBE(0, 3) + 10_000_000);
  const json = `-H 'content-type: application/json'`;
  const webhook = { types: ['sap.s4.beh.*'], url: `http://127.0.0.1:${SINK_PORT}/`, secrets: [{ secret }] };
  return [
    'Paste this into another terminal, in this folder, and watch the events arrive:',
    '',
    `node examples/webhook-sink.mjs ${SINK_PORT} '${secret}' &`,
    `curl -fsS -X PUT ${gateway}/v1/webhooks/try-it ${json} -d '${JSON.stringify(webhook)}' -o /dev/null`,
    `curl -fsS ${urlOf('business-partner', ports)}/business-partners ${json} -d '${JSON.stringify(createPartner(partner))}' -o /dev/null`,
    // An order is refused (409) until sales-order has heard of its partner, a moment later.
    `sleep 1; curl -fsS --retry 5 --retry-all-errors --retry-delay 1 ${urlOf('sales-order', ports)}/sales-orders ${json} -d '${JSON.stringify(createOrder(order, partner))}' -o /dev/null`,
    `sleep 1; curl -fsS ${gateway}/v1/objects/sales-order/${order}; echo`,
    '',
    'A worker that pulls them from a queue, which keeps each until it is accepted (end it with Ctrl-C):',
    '',
    `GATEWAY_URL=${gateway} node examples/queue-worker.mjs orders 'sap.s4.beh.*'`,
    '',
    'And to watch without a receiver of your own (likewise):',
    '',
    `curl -N '${gateway}/v1/stream?types=sap.s4.beh.*'`,
  ];
}

function fromCheckout(path: string): string {
  const shorter = relative(CHECKOUT, path);
  return shorter.startsWith('..') ? path : shorter;
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.password = '';
    return parsed.href;
  } catch {
    return '(as DATABASE_URL says)';
  }
}
