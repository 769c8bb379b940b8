import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { accessToken, gatewayUrl } from './access-token.mjs';
import { createOrder, createPartner } from './sample-objects.js';

/*
 * npm run smoke: one real order through a running mesh, to a webhook and to a queue, with the time of each hop. Where
 * the mesh is, GATEWAY_URL, SALES_ORDER_URL and BUSINESS_PARTNER_URL say, or the ports that npm start was told; a gateway in
 * a container reaches this machine
 * by SMOKE_SINK_HOST. Who asks, HEDDLE_TOKEN says, or a client and its secret (see access-token.mjs).
 */

const GATEWAY = gatewayUrl(process.env);
const SALES_ORDERS = process.env['SALES_ORDER_URL'] ?? local(process.env['SALES_ORDER_PORT'] ?? '8101');
const BUSINESS_PARTNERS = process.env['BUSINESS_PARTNER_URL'] ?? local(process.env['BUSINESS_PARTNER_PORT'] ?? '8102');
const SINK_HOST = process.env['SMOKE_SINK_HOST'] ?? '127.0.0.1';

const TYPE = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const TIMEOUT_MS = 15_000;

let authorization = '';

try {
  await smoke();
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}${cause}`);
  process.exitCode = 1;
}

function local(port: string): string {
  return `http://127.0.0.1:${port}`;
}

async function smoke(): Promise<void> {
  await hop('access token', async () => {
    authorization = `Bearer ${process.env['HEDDLE_TOKEN'] ?? (await accessToken(process.env))}`;
  });
  const order = String(Date.now()).slice(-10);
  const partner = String(10_000_000 + (Date.now() % 89_000_000));
  const arrival = Promise.withResolvers<{ at: number; dataref: string }>();
  const sink = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const at = performance.now();
      response.writeHead(204).end();
      const event = JSON.parse(text) as { type: string; subject: string; dataref: string };
      if (event.subject === order && event.type === TYPE) arrival.resolve({ at, dataref: event.dataref });
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, SINK_HOST === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0', resolve));
  const name = `smoke-${order}`;
  const queue = `${GATEWAY}/v1/queues/${name}-pull`;
  const webhook = { types: [TYPE], url: `http://${SINK_HOST}:${(sink.address() as AddressInfo).port}/` };
  try {
    await hop('webhook registered', () => request('PUT', `${GATEWAY}/v1/webhooks/${name}`, webhook));
    const only = [{ exact: { subject: order } }];
    await hop('queue made', () => request('PUT', queue, { types: [TYPE], filter: only }));
    await hop('partner created', () =>
      request('POST', `${BUSINESS_PARTNERS}/business-partners`, createPartner(partner)),
    );
    // 409 until the partner's event has come there.
    await hop('partner known to sales-order, order created', () =>
      insist(() => request('POST', `${SALES_ORDERS}/sales-orders`, createOrder(order, partner))),
    );
    const created = performance.now();
    const { at, dataref } = await Promise.race([arrival.promise, late()]);
    say('event at the webhook, after the answer', at - created);
    await hop('event pulled from the queue, and accepted', () => pull(queue));
    await hop('order fetched by the reference in the event', () => request('GET', new URL(dataref, GATEWAY).href));
    console.log(
      `✔ one event went all the way: ${SALES_ORDERS}/sales-orders/${order} → outbox → Kafka → ${GATEWAY} → ${webhook.url}`,
    );
  } finally {
    for (const made of [`${GATEWAY}/v1/webhooks/${name}`, queue]) await request('DELETE', made).catch(() => {});
    sink.closeAllConnections();
    sink.close();
  }
}

/** Receives the one event of a queue, and accepts it. */
async function pull(queue: string): Promise<void> {
  const received = await request('POST', `${queue}/receive`, { waitMs: TIMEOUT_MS - 1000 });
  const [delivery] = (received as { deliveries: { lease: string }[] }).deliveries;
  if (delivery === undefined) throw new Error(`The event had not come to the queue after ${TIMEOUT_MS / 1000} s.`);
  const settlements = [{ lease: delivery.lease, action: 'accept' }];
  const settled = await request('POST', `${queue}/settle`, { settlements });
  const [result] = (settled as { results: { state?: string }[] }).results;
  if (result?.state !== 'accepted') throw new Error(`The queue answered the acceptance ${JSON.stringify(result)}.`);
}

async function hop(what: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  say(what, performance.now() - started);
}

function say(what: string, ms: number): void {
  console.log(`✔ ${what.padEnd(46)} ${ms.toFixed(1).padStart(8)} ms`);
}

async function request(method: string, url: string, body?: object): Promise<unknown> {
  const init =
    body === undefined
      ? { headers: { authorization } }
      : { body: JSON.stringify(body), headers: { authorization, 'content-type': 'application/json' } };
  const answer = await fetch(url, { method, ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (cause: unknown) => {
      throw new Error(`${method} ${url} was not answered: is the mesh running?`, { cause });
    },
  );
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} was answered ${answer.status}: ${text.slice(0, 300)}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function insist(work: () => Promise<unknown>): Promise<unknown> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline || !String(error).includes('answered 409')) throw error;
      await delay(5);
    }
  }
}

async function late(): Promise<never> {
  await delay(TIMEOUT_MS, undefined, { ref: false });
  throw new Error(`The event had not come to the webhook after ${TIMEOUT_MS / 1000} s.`);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
