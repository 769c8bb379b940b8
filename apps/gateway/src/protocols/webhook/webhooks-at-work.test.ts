import { callerFor } from '../../identity/identity-trial.js';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryControlLog, MemoryEventLog } from '@heddle/event';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LOOPBACK_SETTINGS } from '../../network/network-trial.js';
import { startGateway } from '../../gateway-trial.js';
import type { Gateway } from '../../gateway.js';
import { queueShape } from '../../queues/queue.shape.js';
import { settings } from '../../settings.js';
import { TRIAL_MASTER_KEY } from '../../vault/vault-trial.js';
import { webhookShape } from './webhook.shape.js';

const ADMIN = callerFor();

interface Arrival {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const AWAITED = { timeout: 10_000 };

const registry = new MemorySchemaRegistry();
let eventLog: MemoryEventLog;
let controlLog: MemoryControlLog;
let codec: AvroCodec;
let catalogue: Catalogue;
let gateway: Gateway;
let server: Server;
let url: string;
let arrivals: Arrival[];
let options: Record<string, string>;
let answer: (arrival: Arrival, response: ServerResponse) => number;

beforeEach(async () => {
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  codec = new AvroCodec(registry);
  catalogue = new Catalogue(registry, codec);
  await catalogue.refresh();
  eventLog = new MemoryEventLog({
    decode: ({ value, attributes }) =>
      attributes.datacontenttype === 'application/json'
        ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
        : codec.decode(value),
  });
  controlLog = new MemoryControlLog();
  gateway = await start();
  arrivals = [];
  options = {};
  answer = () => 204;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.method === 'OPTIONS') return response.writeHead(200, options).end();
      const arrival = { path: request.url ?? '', headers: request.headers, body };
      const status = answer(arrival, response);
      if (status < 300) arrivals.push(arrival);
      return response.headersSent ? undefined : response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await gateway.stop();
  catalogue.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('webhooks that share a queue get each event once between them, and one with its own gets all', async () => {
  await gateway.engine.queues.put(ADMIN, 'shared', queueShape.parse({ types: [TYPE] }));
  await put('one', { url: `${url}/shared`, queue: 'shared', delivery: { maxInFlight: 1 } });
  await put('two', { url: `${url}/shared`, queue: 'shared', delivery: { maxInFlight: 1 } });
  await put('own', { url: `${url}/own`, types: [TYPE] });
  const published = await publish(40);
  await vi.waitFor(() => expect(arrivals).toHaveLength(80), AWAITED);
  for (const path of ['/shared', '/own']) expect(idsAt(path).toSorted()).toEqual(published.toSorted());
  const readers = arrivals.filter(({ path }) => path === '/shared').map(({ headers }) => headers['heddle-webhook']);
  expect(new Set(readers)).toEqual(new Set(['one', 'two']));
  await expect(gateway.engine.queues.delete(ADMIN, 'shared')).rejects.toMatchObject({ code: 'conflict' });
  await gateway.webhooks.delete(ADMIN, 'one');
  await gateway.webhooks.delete(ADMIN, 'two');
  await gateway.engine.queues.delete(ADMIN, 'shared');
});

it('a paused webhook keeps every event, through a restart too, and delivers in order when resumed', async () => {
  await put('hook', { url, types: [TYPE] });
  await gateway.webhooks.pause(ADMIN, 'hook');
  const early = await publish(5, 'K');
  await gateway.stop();
  gateway = await start();
  expect(gateway.webhooks.get(ADMIN, 'hook').view.state).toBe('paused');
  const late = await publish(5, 'K');
  expect(arrivals).toEqual([]);
  await gateway.webhooks.resume(ADMIN, 'hook');
  await vi.waitFor(() => expect(idsAt('/')).toEqual([...early, ...late]), AWAITED);
});

it('events wait for the consent of the receiver, and come when it is there', async () => {
  await put('hook', { url, types: [TYPE], handshake: { origin: 'events.example.com' } });
  await vi.waitFor(() => expect(gateway.webhooks.get(ADMIN, 'hook').view.handshake.state).toBe('pending'), AWAITED);
  const published = await publish(5, 'K');
  expect(arrivals).toEqual([]);
  options = { 'webhook-allowed-origin': 'events.example.com' };
  await put('hook', { url: `${url}/consenting`, types: [TYPE], handshake: { origin: 'events.example.com' } });
  await vi.waitFor(() => expect(idsAt('/consenting')).toEqual(published), AWAITED);
  expect(arrivals[0]?.headers['webhook-request-origin']).toBe('events.example.com');
});

it('a batch is one signed request, and what was in a refused one comes again', async () => {
  let refusals = 1;
  answer = () => (refusals-- > 0 ? 500 : 204);
  const secret = await put('hook', { url, types: [TYPE], delivery: { batch: { size: 10, waitMs: 20 } } });
  const published = await publish(30);
  const ids = (): string[] =>
    arrivals.flatMap(({ body, headers }) => {
      const events = new Webhook(secret).verify(body, headers as Record<string, string>) as { id: string }[];
      expect(events.length).toBeLessThanOrEqual(10);
      return events.map(({ id }) => id);
    });
  await vi.waitFor(() => expect(ids().toSorted()).toEqual(published.toSorted()), AWAITED);
  expect(arrivals.length).toBeLessThan(published.length);
});

it('410 disables the webhook, and resume delivers what it kept', async () => {
  answer = () => 410;
  await put('hook', { url, types: [TYPE] });
  const published = await publish(3, 'K');
  await vi.waitFor(() => expect(gateway.webhooks.get(ADMIN, 'hook').view.state).toBe('disabled'), AWAITED);
  expect(gateway.webhooks.get(ADMIN, 'hook').view.disabled?.reason).toContain('410');
  answer = () => 204;
  await gateway.webhooks.resume(ADMIN, 'hook');
  await vi.waitFor(() => expect(idsAt('/')).toEqual(published), AWAITED);
});

it('deliveries carry a token, which is fetched once, and replaced once when the receiver refuses it', async () => {
  let tokens = 0;
  answer = ({ path, headers }, response) => {
    if (path === '/token') {
      response.writeHead(200).end(JSON.stringify({ access_token: `t${(tokens += 1)}`, expires_in: 3600 }));
      return 999;
    }
    return headers.authorization === 'Bearer t2' ? 204 : 401;
  };
  const oauth2 = { tokenUrl: `${url}/token`, clientId: 'heddle', clientSecret: 'secret' };
  await put('hook', { url, types: [TYPE], auth: { oauth2 } });
  const published = await publish(20);
  await vi.waitFor(() => expect(idsAt('/').toSorted()).toEqual(published.toSorted()), AWAITED);
  expect(tokens).toBe(2);
});

it('a test reaches the receiver of a paused webhook with an example, and with an event of the log', async () => {
  const secret = await put('hook', { url, types: [TYPE], paused: true });
  const sample = await gateway.webhooks.test(ADMIN, 'hook', {});
  expect(sample).toMatchObject({ event: { type: TYPE, isSample: true }, attempt: { delivered: true, status: 204 } });
  const [arrival] = arrivals;
  expect(arrival?.headers['heddle-test']).toBe('true');
  const sent = new Webhook(secret).verify(arrival!.body, arrival!.headers as Record<string, string>);
  expect(sent).toMatchObject({ type: TYPE, data: catalogue.get(TYPE)!.example });
  answer = (_arrival, response) => {
    response.writeHead(418).end('short and stout');
    return 418;
  };
  expect((await gateway.webhooks.test(ADMIN, 'hook', {})).attempt).toMatchObject({
    delivered: false,
    status: 418,
    excerpt: 'short and stout',
  });
});

async function start(): Promise<Gateway> {
  const values = settings.read({
    HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY,
    ...LOOPBACK_SETTINGS,
    HEDDLE_RETRY_FIRST_MS: '20',
    HEDDLE_RETRY_CAP_MS: '40',
  });
  const { gateway: started } = await startGateway(values, { eventLog, controlLog, registry, codec, catalogue });
  return started;
}

/** Returns the secret that was made. */
async function put(name: string, body: object): Promise<string> {
  const { view } = await gateway.webhooks.put(ADMIN, name, webhookShape.parse(body));
  return view.secret ?? '';
}

/** Publishes events, of one key or of a key each; returns their ids. */
async function publish(count: number, key?: string): Promise<string[]> {
  const example = catalogue.get(TYPE)!.example as object;
  const from = Math.random().toString(36).slice(2);
  const events = Array.from({ length: count }, (_, n) => ({
    attributes: { id: `${from}-${n}`, source: '/test', type: TYPE },
    data: { json: { ...example, Contract: key ?? `K${n}` } },
  }));
  const outcomes = await gateway.publisher.publish(ADMIN, events);
  expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
  return events.map(({ attributes }) => attributes.id);
}

function idsAt(path: string): string[] {
  return arrivals.filter((arrival) => arrival.path === path).map(({ body }) => (JSON.parse(body) as { id: string }).id);
}
