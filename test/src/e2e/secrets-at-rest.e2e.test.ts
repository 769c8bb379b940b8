import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CHECKOUT, type Stack, startStack } from '@heddle/infra';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { identity } from '../../../apps/gateway/src/protocols/webhook/certificate-trial.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { allRecords, filesUnder, formsOf, found } from '../support/planted.js';
import { publishContracts } from '../support/publishing.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook, readWebhook, webhookStatistics } from '../support/webhooks.js';

// On a stack of its own, for it wraps the keys in the log with master keys that nobody else has.

const AWAITED = { timeout: 20_000 };
const TYPES = [CONTRACT_SIGNED];
const [OLD, NEW] = ['old', 'new'].map((name) => `${name}:${randomBytes(32).toString('base64')}`) as [string, string];

let dir: string;
let stack: Stack;
let mesh: Mesh;
let gateway: string;
let sink: WebhookSink;
let keyFile: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-at-rest-'));
  keyFile = join(dir, 'master-key');
  writeFileSync(keyFile, OLD);
  stack = await startStack({ dir: join(dir, 'stack'), ports: 'free' });
  mesh = await startGateway('index');
  gateway = mesh.url('gateway');
});

afterAll(async () => {
  await mesh.stop();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  sink = await WebhookSink.start();
});

afterEach(async () => {
  await deleteAllWebhooks(gateway);
  await sink.stop();
});

test('no secret of any webhook is in the log, in the files of Kafka, in the index or in what the gateway logs', async () => {
  const planted = new Map<string, readonly Buffer[]>();
  const plant = (name: string, text = `canary-${randomBytes(12).toString('base64url')}`): string => {
    planted.set(name, formsOf(text));
    return text;
  };
  const ours = identity('heddle');
  plant('the private key of mTLS', ours.privateKey.split('\n')[1]);
  plant('the master key', OLD.slice('old:'.length));
  plant('the access token');
  sink.answerWith(({ path, method }, response) => {
    if (path === '/token') {
      const [accessToken = ''] = planted.get('the access token') ?? [];
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ access_token: accessToken.toString(), expires_in: 3600 }));
    }
    response.writeHead(path === '/fails' ? 500 : method === 'OPTIONS' ? 200 : 204).end();
  });
  const given = randomBytes(32);
  const { name } = await putWebhook(gateway, {
    url: sink.url,
    types: TYPES,
    secrets: [{ secret: `whsec_${plant('a signing secret', given.toString('base64'))}` }],
    headers: { 'x-secret-token': plant('a header') },
  });
  planted.set('the bytes of a signing secret', formsOf(given));
  const rotated = await call('POST', `${gateway}/v1/webhooks/${name}/secrets/rotate`, { body: { kind: 'v1a' } });
  plant('a rotated secret', (rotated.json as { secret: string }).secret.slice('whsk_'.length));
  const made = await putWebhook(gateway, {
    url: sink.url,
    types: TYPES,
    auth: { basic: { user: 'visible-user', password: plant('a password') }, mtls: ours },
  });
  plant('a secret that was made', made.secret.slice('whsec_'.length));
  await putWebhook(gateway, {
    url: sink.url,
    types: TYPES,
    auth: { apiKey: { header: 'x-api-key', value: plant('an API key') } },
  });
  await putWebhook(gateway, {
    url: sink.url,
    types: TYPES,
    auth: { oauth2: { tokenUrl: `${sink.url}token`, clientId: 'c', clientSecret: plant('a client secret') } },
  });
  await putWebhook(gateway, {
    url: `${sink.url}fails`,
    types: TYPES,
    retry: { attempts: 2 },
    auth: { basic: { user: 'u', password: plant('a password of a webhook that fails') } },
  });
  const asked = await putWebhook(gateway, { url: sink.url, types: TYPES, handshake: { origin: 'gateway.test' } });
  await sink.until((all) => all.some(({ method }) => method === 'OPTIONS'));
  const question = sink.deliveries.find(({ method }) => method === 'OPTIONS')!;
  plant(
    'the token of a handshake',
    String(question.headers['webhook-request-callback']).split('/').at(-1)?.split('.').at(-1),
  );
  await vi.waitFor(async () => expect((await readWebhook(gateway, asked.name)).state).toBe('no-consent'), AWAITED);

  await publishContracts(gateway, [`C-${freshKey()}`, `C-${freshKey()}`]);
  for (const path of ['test', 'pause', 'resume'])
    await call('POST', `${gateway}/v1/webhooks/${name}/${path}`, { body: {} });
  await sink.until((all) => all.filter(({ path }) => path === '/').length >= 4 * 2 + 2);
  await vi.waitFor(async () => {
    const { json } = await call('GET', `${gateway}/v1/dead-letters`);
    expect((json as { deadLetters: unknown[] }).deadLetters).toHaveLength(2);
  }, AWAITED);
  // In order, so that everything is written that is going to be.
  await mesh.stopApp('gateway');

  const visible = new Map([...planted, ['what is no secret', formsOf('visible-user')]]);
  const places: { name: string; where: string }[] = [];
  const { topics, records } = await allRecords(stack.kafkaBrokers, (where, bytes) =>
    places.push(...found(where, bytes, visible)),
  );
  expect(topics).toEqual(expect.arrayContaining(['heddle.queues', 'heddle.keys', 'heddle.attempts']));
  expect(records).toBeGreaterThan(20);
  let files = 0;
  for (const { path, bytes } of filesUnder(dir)) {
    if (path === keyFile) continue;
    files += 1;
    places.push(...found(path, bytes, visible));
  }
  places.push(...found('the log of the gateway', readFileSync(mesh.logFile('gateway')), visible));
  expect(files).toBeGreaterThan(1);
  expect(places.filter(({ name: what }) => what !== 'what is no secret')).toEqual([]);
  // What is searched for in this way is found where it stands.
  expect(places.some(({ where }) => where.startsWith('heddle.queues/'))).toBe(true);
  for (const [what, forms] of planted) {
    const hidden = Buffer.from(Buffer.from(`x:${forms[0]!.toString('latin1')}:`, 'latin1').toString('base64'));
    expect(
      found('here', hidden, planted).map((one) => one.name),
      what,
    ).toContain(what);
  }
  await mesh.startApp('gateway');
});

test('master keys and data keys are changed under load, gateways restarting in turn, and every delivery is signed and arrives', async () => {
  const hooks = await Promise.all(
    Array.from({ length: 6 }, (_, n) => putWebhook(gateway, { url: `${sink.url}${n}`, types: TYPES })),
  );
  const other = await startGateway('other-index', mesh);
  onTestFinished(() => other.stop());
  const gateways = [mesh, other];
  const wrong: string[] = [];
  sink.answerWith(({ path, headers, body }, response) => {
    try {
      new Webhook(hooks[Number(path.slice(1))]!.secret).verify(body.toString(), headers as Record<string, string>);
      response.writeHead(204).end();
    } catch (error) {
      wrong.push(`${path}: ${String(error)}`);
      response.writeHead(401).end();
    }
  });
  const before = await keysOfWebhooks();
  const load = underLoad(gateways);

  await load.more(20);
  await restartAll(`${NEW},${OLD}`, gateways, load);
  expect(await rewrap('--new-data-keys')).toMatch(
    /^4 data keys of 2 tenants; 2 were wrapped anew, with the master key new\n2 tenants have a new data key.*\nthe master key old is not needed any more/,
  );
  await load.more(20);
  await vi.waitFor(async () => {
    const now = await keysOfWebhooks();
    expect(now).toHaveLength(1);
    expect(before).not.toContain(now[0]);
  }, AWAITED);
  await restartAll(NEW, gateways, load);
  await load.more(20);
  const ids = await load.stop();

  await vi.waitFor(() => {
    for (const n of hooks.keys()) {
      const arrived = new Set(sink.deliveries.filter(({ path }) => path === `/${n}`).map((one) => eventOf(one).id));
      expect(ids.filter((id) => !arrived.has(id))).toEqual([]);
    }
  }, AWAITED);
  expect(wrong).toEqual([]);
  expect(ids.length).toBeGreaterThan(60);
  for (const { name } of hooks) expect((await webhookStatistics(gateway, name)).failedAttempts).toBe(0);
}, 240_000);

async function startGateway(index: string, beside?: Mesh): Promise<Mesh> {
  mkdirSync(join(dir, index));
  const own = {
    HEDDLE_MASTER_KEY: '',
    HEDDLE_MASTER_KEY_FILE: keyFile,
    HEDDLE_DATA_DIR: join(dir, index),
    HEDDLE_RETRY_FIRST_MS: '100',
    LOG_LEVEL: 'debug',
  };
  const issuer = beside === undefined ? {} : { GATEWAY_URL: beside.url('gateway') };
  return Mesh.start({
    ground: stack,
    apps: ['gateway'],
    env: { gateway: { ...own, ...issuer } },
    ...(beside === undefined ? {} : { beside }),
  });
}

/** The ids of the data keys that the stored definitions are sealed with. */
async function keysOfWebhooks(): Promise<string[]> {
  const stored = new Map<string, string>();
  for (const { key = '', value } of await readTopic(foreignKafka(stack.kafkaBrokers), 'heddle.queues')) {
    if (!key.startsWith('webhook/')) continue;
    if (value === null) stored.delete(key);
    else stored.set(key, value.toString());
  }
  const sealed = [...stored.values()].flatMap((text) => [...text.matchAll(/sealed[.]v1[.]([0-9a-f-]{36})/g)]);
  return [...new Set(sealed.map(([, id = '']) => id))];
}

/** Publishes all the time, at whichever gateway answers. */
function underLoad(gateways: readonly Mesh[]) {
  const ids: string[] = [];
  const stopped = new AbortController();
  const work = async (): Promise<void> => {
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      const target = gateways[n % gateways.length]!.url('gateway');
      try {
        const [event] = await publishContracts(target, [`C-${n % 10}`]);
        ids.push(event!.id);
      } catch {
        // This one is restarting.
      }
      await delay(20);
    }
  };
  const working = work();
  return {
    /** Resolves when so many more were published. */
    async more(count: number): Promise<void> {
      const wanted = ids.length + count;
      await vi.waitFor(() => expect(ids.length).toBeGreaterThanOrEqual(wanted), AWAITED);
    },
    async stop(): Promise<string[]> {
      stopped.abort();
      await working;
      return ids;
    },
  };
}

async function restartAll(keys: string, gateways: readonly Mesh[], load: ReturnType<typeof underLoad>): Promise<void> {
  writeFileSync(keyFile, keys.replaceAll(',', '\n'));
  for (const one of gateways) {
    await one.stopApp('gateway');
    await load.more(10);
    await one.startApp('gateway');
    await load.more(10);
  }
}

/** `npm run rewrap`, as an operator runs it; returns what it says. */
async function rewrap(...flags: string[]): Promise<string> {
  const { HEDDLE_TEST_STACK: _own, ...environment } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(CHECKOUT, 'apps/gateway/dist/rewrap.js'), ...flags],
    {
      env: { ...environment, KAFKA_BROKERS: stack.kafkaBrokers.join(','), HEDDLE_MASTER_KEY_FILE: keyFile },
    },
  );
  return stdout;
}
