import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { SECRETS } from './access-token.mjs';
import { CHECKOUT } from './checkout.mjs';
import { ADMINISTRATOR, secretFile } from './clients.mjs';
import { urlOf, type MeshGround, type MeshPorts } from './mesh-apps.js';
import { createOrder, createPartner } from './sample-objects.js';

const SINK_PORT = 9400;

export interface Launched {
  ground: MeshGround;
  ports: MeshPorts;
  /** Folders. */
  secrets: string;
  logs: string;
}

/** What runs where, and lines to paste that make an event arrive. No secret is among them, but where it is. */
export function banner({ ground, ports, secrets, logs }: Launched): string {
  const gateway = urlOf('gateway', ports);
  const rows = [
    ['gateway', gateway, 'events in and out; /openapi.json, /asyncapi.json, /v1/catalogue'],
    ['sales-order', urlOf('sales-order', ports), '/openapi.json'],
    ['business-partner', urlOf('business-partner', ports), '/openapi.json'],
    ['contract', urlOf('contract', ports), '/openapi.json'],
    ['Kafka', ground.kafkaBrokers.join(','), ''],
    ['schema registry', ground.registryUrl, ''],
    ['PostgreSQL', withoutPassword(ground.databaseUrl), ''],
    ['secrets', fromCheckout(secrets), `${ADMINISTRATOR}.secret lets you do everything`],
    ['logs', fromCheckout(logs), 'one file each'],
  ] as const;
  const width = Math.max(...rows.map(([, where]) => where.length));
  const table = rows.map(([what, where, note]) => `  ${what.padEnd(17)} ${where.padEnd(width)}  ${note}`.trimEnd());
  return [
    '',
    'Heddle runs. Ctrl-C stops it; what it holds stays.',
    '',
    ...table,
    '',
    ...tryIt(ports, secrets),
    '',
  ].join('\n');
}

function tryIt(ports: MeshPorts, secrets: string): string[] {
  const gateway = urlOf('gateway', ports);
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const partner = String(randomBytes(3).readUIntBE(0, 3) + 10_000_000);
  const order = String(randomBytes(3).readUIntBE(0, 3) + 10_000_000);
  const token = `-H "authorization: Bearer $HEDDLE_TOKEN"`;
  const json = `${token} -H 'content-type: application/json'`;
  const webhook = { types: ['sap.s4.beh.*'], url: `http://127.0.0.1:${SINK_PORT}/`, secrets: [{ secret }] };
  const file = fromCheckout(secretFile(secrets, ADMINISTRATOR));
  return [
    'Paste this into another terminal, in this folder, and watch the events arrive. The first line gets a token that is',
    'good for an hour; paste it again when it has ended:',
    '',
    `export HEDDLE_TOKEN=$(${whoAsks(gateway, secrets)}node infra/token.mjs)`,
    `node examples/webhook-sink.mjs ${SINK_PORT} '${secret}' &`,
    `curl -fsS -X PUT ${gateway}/v1/webhooks/try-it ${json} -d '${JSON.stringify(webhook)}' -o /dev/null`,
    `curl -fsS ${urlOf('business-partner', ports)}/business-partners ${json} -d '${JSON.stringify(createPartner(partner))}' -o /dev/null`,
    // An order is refused (409) until sales-order has heard of its partner, a moment later.
    `sleep 1; curl -fsS --retry 5 --retry-all-errors --retry-delay 1 ${urlOf('sales-order', ports)}/sales-orders ${json} -d '${JSON.stringify(createOrder(order, partner))}' -o /dev/null`,
    `sleep 1; curl -fsS ${gateway}/v1/objects/sales-order/${order} ${token}; echo`,
    '',
    'A worker that pulls them from a queue, which keeps each until it is accepted; it gets tokens by itself (end it with',
    'Ctrl-C):',
    '',
    `GATEWAY_URL=${gateway} HEDDLE_CLIENT_ID=${ADMINISTRATOR} HEDDLE_CLIENT_SECRET_FILE=${file} node examples/queue-worker.mjs orders 'sap.s4.beh.*'`,
    '',
    'And to watch without a receiver of your own (likewise):',
    '',
    `curl -N '${gateway}/v1/stream?types=sap.s4.beh.*' ${token}`,
  ];
}

/** What `infra/token.mjs` has to be told, where it is not as usual. */
function whoAsks(gateway: string, secrets: string): string {
  const file = fromCheckout(secretFile(secrets, ADMINISTRATOR));
  const isUsual = secrets === join(CHECKOUT, SECRETS) && gateway === 'http://127.0.0.1:8080';
  return isUsual ? '' : `GATEWAY_URL=${gateway} HEDDLE_CLIENT_SECRET_FILE=${file} `;
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
