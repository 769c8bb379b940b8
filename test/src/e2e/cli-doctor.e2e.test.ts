import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { TcpLink } from '../integrity/run/tcp-link.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { foreignKafka } from '../support/foreign-kafka.js';
import { HeddleCli } from '../support/heddle-cli.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent } from '../support/publishing.js';
import { WebhookSink } from '../support/webhook-sink.js';
import { deleteAllWebhooks, deleteWebhook, putWebhook } from '../support/webhooks.js';

// Each thing is really broken, and mended again; all ways of the mesh to what it stands on lead over links.

const ground = inject('stack');
const WAIT = { timeout: 40_000, interval: 500 };

interface Report {
  ok: boolean;
  culprit?: string;
  checks: { check: string; state: string; detail: string; advice?: string; ms: number }[];
}

let broker: TcpLink;
let registry: TcpLink;
let database: TcpLink;
let mesh: Mesh;
let gateway: string;
let cli: HeddleCli;
/** What the doctor is told of where things are. */
let told: { env: Record<string, string> };

// Each line of these stories is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  const registryUrl = new URL(ground.registryUrl);
  const databaseUrl = new URL(ground.databaseUrl);
  broker = await TcpLink.open({
    name: 'broker',
    port: Number(ground.kafkaBrokers[0]!.split(':').at(-1)),
    toBroker: true,
  });
  registry = await TcpLink.open({ name: 'registry', port: Number(registryUrl.port) });
  database = await TcpLink.open({ name: 'database', port: Number(databaseUrl.port) });
  registryUrl.port = String(registry.port);
  databaseUrl.port = String(database.port);
  const linked = {
    kafkaBrokers: [`127.0.0.1:${broker.port}`],
    registryUrl: registryUrl.href,
    databaseUrl: databaseUrl.href,
  };
  mesh = await Mesh.start({ ground: linked });
  gateway = mesh.url('gateway');
  // Those that other stories have left may be waiting for receivers that are gone.
  await deleteAllWebhooks(gateway);
  cli = await HeddleCli.of(mesh);
  told = { env: { KAFKA_BROKERS: linked.kafkaBrokers[0]!, SCHEMA_REGISTRY_URL: linked.registryUrl } };
});

afterAll(async () => {
  for (const link of [broker, registry, database]) link.restore();
  await cli.close();
  await mesh.stop();
  for (const link of [broker, registry, database]) await link.close();
});

test('all is well: every check says so, with and without knowing where broker and registry are', async () => {
  await vi.waitFor(async () => expect(await healthy()).toEqual([]), WAIT);
  const { code, out } = await cli.run(['doctor']);
  expect(code).toBe(0);
  expect(out).toMatch(/^✔ broker {5} answers the gateway\n✔ registry {3} answers the gateway\n✔ gateway {4} http/);
  expect(out).toMatch(/✔ partitions {2}\d+ topics/);
  const { checks } = await cli.json<Report>(['doctor'], told);
  expect(checks.find(({ check }) => check === 'broker')).toMatchObject({
    state: 'ok',
    detail: 'answers the gateway and this machine',
  });
});

test('a broker that is away is the culprit, by what the gateway says alone, too; one that hangs costs no more than the time of a check', async () => {
  broker.cut();
  await culprit('broker', 3, /the broker does not answer/);
  await culprit('broker', 3, /the broker does not answer the gateway/, { env: {} });
  broker.restore();
  broker.stall();
  const begun = performance.now();
  const hanging = await cli.json<Report>(['doctor', '--timeout', '2'], { ...told, code: 3 });
  expect(hanging.culprit).toBe('broker');
  expect(performance.now() - begun).toBeLessThan(25_000);
  for (const { check, ms } of hanging.checks) expect(ms, check).toBeLessThan(3000);
  broker.restore();
  await mended();
});

test('a registry that is away is the culprit', async () => {
  registry.cut();
  const { checks } = await culprit('registry', 3, /the registry does not answer/);
  expect(checks.find(({ check }) => check === 'broker')).toMatchObject({ state: 'ok' });
  registry.restore();
  await mended();
});

test('a database that is away is the culprit, and the service that lacks it is named', async () => {
  database.cut();
  await culprit('store', 3, /sales-order/, { env: {} });
  const service = `sales-order=${mesh.url('sales-order')}`;
  const { checks } = await culprit('store', 3, /sales-order: database: /, told, ['--service', service]);
  expect(checks.find(({ check }) => check === 'registry')).toMatchObject({ state: 'ok' });
  database.restore();
  await mended();
});

test('a gateway that is away is the culprit, and what rests on it is not looked at', async () => {
  const away = { env: { ...told.env, GATEWAY_URL: 'http://127.0.0.1:9' } };
  const report = await culprit('gateway', 3, /cannot be reached/, away);
  expect(report.checks.find(({ check }) => check === 'store')).toMatchObject({
    state: 'skipped',
    detail: 'not looked at, because of gateway',
  });
});

test('a token that is wrong, or was taken away, is the culprit', async () => {
  await culprit('token', 4, /its id or secret is wrong/, { env: { ...told.env, HEDDLE_CLIENT_SECRET: 'wrong' } });
  await culprit('token', 4, /token/, { env: { ...told.env, HEDDLE_TOKEN: 'no.token.atall' } });
  const client = await mesh.newClient(['consume:queue:*']);
  const token = (await client.header()).replace('Bearer ', '');
  const env = { ...told.env, HEDDLE_TOKEN: token };
  await vi.waitFor(async () => expect((await cli.run(['doctor'], { env })).code).toBe(0), WAIT);
  const clients = (await call('GET', `${gateway}/v1/clients`)).json as {
    clients: { client: string; clientId: string }[];
  };
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string };
  const name = clients.clients.find(({ clientId }) => clientId === sub)!.client;
  await call('DELETE', `${gateway}/v1/clients/${name}`);
  await culprit('token', 4, /token/, { env });
});

test('a permission that is missing is the culprit, and is named', async () => {
  const token = await mesh.token(['consume:queue:orders', 'consume:type:heddle.*']);
  const env = { ...told.env, HEDDLE_TOKEN: token };
  const needs = ['--need', 'consume:queue:orders', '--need', 'publish:type:heddle.contract.v1.Contract.Signed.v1'];
  await culprit(
    'permission',
    4,
    /has not publish:type:heddle\.contract\.v1\.Contract\.Signed\.v1, but consume:queue:orders/,
    { env },
    needs,
  );
  expect((await cli.run(['doctor', ...needs.slice(0, 2)], { env })).code).toBe(0);
});

test('a clock that is wrong is the culprit', async () => {
  const shifted = `data:text/javascript,const now = Date.now; Date.now = () => now() - 600000;`;
  const { code, out } = await cli.run(['doctor', '--json'], { ...told, nodeArgs: ['--import', shifted] });
  const report = JSON.parse(out) as Report;
  expect([code, report.culprit]).toEqual([1, 'clock']);
  expect(report.checks.find(({ check }) => check === 'clock')!.detail).toMatch(/10 min behind that of the gateway/);
});

test('a receiver that does not consent is the culprit, with what to do', async () => {
  const sink = await WebhookSink.start();
  sink.answerWith(200);
  const { name } = await putWebhook(gateway, {
    url: sink.url,
    types: [CONTRACT_SIGNED],
    handshake: { origin: 'events.example.com' },
  });
  await vi.waitFor(async () => {
    const report = await culprit(
      'handshake',
      1,
      new RegExp(`the receiver of ${name} .* has not consented to events\\.example\\.com: pending`),
    );
    expect(report.checks.find(({ check }) => check === 'handshake')!.advice).toContain('WebHook-Allowed-Origin');
  }, WAIT);
  await deleteWebhook(gateway, name);
  expect((await cli.run(['doctor'], told)).code).toBe(0);
  await sink.stop();
});

test('a topic that was given more partitions is the culprit, with the queue that knew fewer', async () => {
  const { tenant, administrator } = await mesh.newTenant();
  const authorization = { authorization: await administrator.header() };
  const event = contractEvent(`C-${freshKey()}`);
  const published = await call('POST', `${gateway}/v1/events`, {
    headers: { ...authorization, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  expect(published.status, published.text).toBe(202);
  // One made before its topic was known would know nothing of it.
  let queue = '';
  await vi.waitFor(async () => {
    queue = `parts-${randomUUID()}`;
    const url = `${gateway}/v1/queues/${queue}`;
    const put = await call('PUT', url, { headers: authorization, body: { types: [CONTRACT_SIGNED] } });
    if (!('contract' in (put.json as { start: object }).start)) await call('DELETE', url, { headers: authorization });
    expect((put.json as { start: object }).start).toHaveProperty('contract');
  }, WAIT);
  const env = { ...told.env, HEDDLE_TOKEN: authorization.authorization.replace('Bearer ', '') };
  expect((await cli.run(['doctor'], { env })).code).toBe(0);
  const admin = foreignKafka(ground.kafkaBrokers).admin();
  await admin.connect();
  const [topic] = (await admin.fetchTopicMetadata({ topics: [`${tenant}.contract`] })).topics;
  const count = topic!.partitions.length;
  await admin.createPartitions({ topicPartitions: [{ topic: `${tenant}.contract`, count: count + 1 }] });
  await admin.disconnect();
  await vi.waitFor(
    () =>
      culprit(
        'partitions',
        1,
        new RegExp(`contract has ${count + 1} partitions, and had ${count} when the queue ${queue} was made`),
        { env },
      ),
    WAIT,
  );
});

/** Runs it, and holds it to who is to blame, its exit code and its words. */
async function culprit(
  name: string,
  code: number,
  detail: RegExp,
  options: { env: Record<string, string> } = told,
  args: readonly string[] = [],
): Promise<Report> {
  const run = await cli.run(['doctor', ...args, '--json'], options);
  const report = JSON.parse(run.out) as Report;
  expect([report.culprit, run.code], run.out).toEqual([name, code]);
  const found = report.checks.find(({ check }) => check === name)!;
  expect(found.detail).toMatch(detail);
  expect(found.advice).not.toBe('');
  return report;
}

async function healthy(): Promise<Report['checks']> {
  const { checks } = JSON.parse((await cli.run(['doctor', '--json'], told)).out) as Report;
  return checks.filter(({ state }) => state !== 'ok' && state !== 'skipped');
}

async function mended(): Promise<void> {
  await vi.waitFor(async () => expect(await healthy()).toEqual([]), WAIT);
}
