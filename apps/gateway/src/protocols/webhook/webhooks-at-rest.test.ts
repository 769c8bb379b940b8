import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CONTROL_TOPICS, MemoryControlLog, MemoryEventLog, slotOf } from '@heddle/event';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startGateway } from '../../gateway-trial.js';
import type { Gateway } from '../../gateway.js';
import { callerFor } from '../../identity/identity-trial.js';
import { operationsQuery } from '../../ledger/ledger.shape.js';
import { LOOPBACK_SETTINGS } from '../../network/network-trial.js';
import { settings } from '../../settings.js';
import { rewrap } from '../../vault/rewrap.js';
import { masterKeys } from '../../vault/vault-trial.js';
import type { SealedWebhook, StoredWebhook } from './sealed-webhook.js';
import { webhookShape } from './webhook.shape.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const ADMIN = callerFor();
const AWAITED = { timeout: 10_000 };
const UNREADABLE = { code: 'secret-unreadable' };

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
let catalogue: Catalogue;
let eventLog: MemoryEventLog;
let controlLog: MemoryControlLog;
let gateway: Gateway;
let server: Server;
let url: string;
let arrivals: { headers: IncomingHttpHeaders; body: string }[];

beforeEach(async () => {
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  catalogue = new Catalogue(registry, codec);
  await catalogue.refresh();
  eventLog = new MemoryEventLog({
    decode: ({ value, attributes }) =>
      attributes.datacontenttype === 'application/json'
        ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
        : codec.decode(value),
  });
  controlLog = new MemoryControlLog();
  arrivals = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      arrivals.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await start('main');
});

afterEach(async () => {
  await gateway.stop();
  catalogue.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('the log has no secret of a webhook in it, through changes, rotations and pauses', async () => {
  const secret = await put('hook', {
    headers: { 'x-canary': 'canary-header' },
    auth: { basic: { user: 'u', password: 'canary-pass' } },
  });
  const rotated = (await gateway.webhooks.rotate(ADMIN, 'hook', { kind: 'v1a', overlapSeconds: 60 })).view.secret!;
  await gateway.webhooks.pause(ADMIN, 'hook');
  const stored = JSON.stringify(await storedWebhook());
  for (const canary of [secret, rotated, 'canary-header', 'canary-pass']) expect(stored).not.toContain(canary);
  expect(stored.match(/sealed[.]v1[.]/g)).toHaveLength(4);
});

it('a definition from before goes on after a restart, and is sealed then, with its version as it was', async () => {
  const secret = await put('hook');
  await storeInTheClear(secret);
  await restart('main');
  const { version } = gateway.webhooks.get(ADMIN, 'hook');
  await vi.waitFor(async () => expect(JSON.stringify(await storedWebhook())).not.toContain(secret), AWAITED);
  expect(await storedWebhook()).toMatchObject({ format: 2, version });
  await expectSignedDelivery(secret);
});

it('without its master key a webhook delivers nothing and keeps every event; with it, it goes on by itself', async () => {
  const secret = await put('hook');
  await restart('other');
  expect(gateway.webhooks.get(ADMIN, 'hook').view).toMatchObject({ state: 'unreadable', secrets: [{ secret: '•••' }] });
  expect(gateway.webhooks.list(ADMIN)).toMatchObject([{ name: 'hook', state: 'unreadable' }]);
  await publish('K1');
  await vi.waitFor(async () => expect(await operations()).toContain('webhook.unreadable'), AWAITED);
  await expect(gateway.webhooks.test(ADMIN, 'hook', {})).rejects.toMatchObject(UNREADABLE);
  await expect(gateway.webhooks.rotate(ADMIN, 'hook', { kind: 'v1', overlapSeconds: 0 })).rejects.toMatchObject(
    UNREADABLE,
  );
  await expect(gateway.webhooks.pause(ADMIN, 'hook')).rejects.toMatchObject(UNREADABLE);
  expect(arrivals).toEqual([]);
  await restart('main');
  await vi.waitFor(() => expect(arrivals).toHaveLength(1), AWAITED);
  await expectSignedDelivery(secret);
});

it('a webhook whose secrets are lost is healed by putting it with new ones, and not by what was masked', async () => {
  await put('hook', { auth: { basic: { user: 'u', password: 'canary-pass' } } });
  await restart('other');
  await publish('K1');
  const masked = { auth: { basic: { user: 'u', password: '•••' } } };
  await expect(put('hook', masked)).rejects.toMatchObject({ code: 'data-invalid', field: 'auth.basic.password' });
  const secret = await put('hook', { auth: { basic: { user: 'u', password: 'another' } } });
  expect(secret).toMatch(/^whsec_/);
  await vi.waitFor(() => expect(arrivals).toHaveLength(1), AWAITED);
  await expectSignedDelivery(secret);
});

it('one whose secrets are lost can be deleted', async () => {
  await put('hook');
  await restart('other');
  await gateway.webhooks.delete(ADMIN, 'hook');
  expect(gateway.webhooks.list(ADMIN)).toEqual([]);
});

it('a single changed character of a stored secret holds that webhook, and no other', async () => {
  await put('hook');
  const secret = await put('well');
  const stored = (await storedWebhook()) as SealedWebhook;
  const [one] = stored.secrets;
  const last = one!.secret.at(-5) === 'A' ? 'B' : 'A';
  const changed = { ...one!, secret: `${one!.secret.slice(0, -5)}${last}${one!.secret.slice(-4)}` };
  await store({ ...stored, secrets: [changed] });
  await restart('main');
  expect(gateway.webhooks.list(ADMIN).map(({ name, state }) => [name, state])).toEqual([
    ['hook', 'unreadable'],
    ['well', 'active'],
  ]);
  await expectSignedDelivery(secret);
});

it('new data keys are taken to seal webhooks anew, at work, and deliveries go on', async () => {
  const secret = await put('hook');
  const before = keyOf(await storedWebhook());
  await restart('new', 'main');
  await rewrap(controlLog, masterKeys('new', 'main'), true);
  await vi.waitFor(async () => expect(keyOf(await storedWebhook())).not.toBe(before), AWAITED);
  await expectSignedDelivery(secret);
  await restart('new');
  await expectSignedDelivery(secret);
});

async function start(...keys: string[]): Promise<Gateway> {
  const values = settings.read({
    HEDDLE_MASTER_KEY: keys.map((key) => `${key}:${Buffer.alloc(32, key).toString('base64')}`).join(','),
    ...LOOPBACK_SETTINGS,
  });
  const { gateway: started } = await startGateway(values, { eventLog, controlLog, registry, codec, catalogue });
  return started;
}

async function restart(...keys: string[]): Promise<void> {
  await gateway.stop();
  gateway = await start(...keys);
}

/** Returns the secret that was made. */
async function put(name: string, body: object = {}): Promise<string> {
  const { view } = await gateway.webhooks.put(ADMIN, name, webhookShape.parse({ url, types: [TYPE], ...body }));
  return view.secret ?? '';
}

async function publish(key: string): Promise<void> {
  const data = { json: { ...(catalogue.get(TYPE)!.example as object), Contract: key } };
  const attributes = { id: `${key}-${Math.random()}`, source: '/test', type: TYPE };
  expect(await gateway.publisher.publish(ADMIN, [{ attributes, data }])).not.toContainEqual({
    error: expect.anything() as unknown,
  });
}

/** One more event arrives, signed with the secret. */
async function expectSignedDelivery(secret: string): Promise<void> {
  await publish('K2');
  const isSigned = ({ body, headers }: (typeof arrivals)[number]): boolean => {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return body.includes('K2');
    } catch {
      return false;
    }
  };
  await vi.waitFor(() => expect(arrivals.some(isSigned)).toBe(true), AWAITED);
  arrivals = [];
}

async function operations(): Promise<string[]> {
  const { operations: all } = await gateway.lookUps.operations.operations(
    ADMIN,
    operationsQuery.parse({ name: 'hook' }),
  );
  return all.map(({ kind }) => kind);
}

async function storedWebhook(): Promise<StoredWebhook> {
  let stored: StoredWebhook | undefined;
  await controlLog.load(CONTROL_TOPICS.queues, [slotOf('local', 'hook')], ({ key, value }) => {
    if (key === 'webhook/local/hook') stored = value as StoredWebhook;
  });
  return stored!;
}

async function store(webhook: StoredWebhook): Promise<void> {
  const place = { partition: slotOf('local', 'hook'), key: 'webhook/local/hook' };
  await controlLog.put(CONTROL_TOPICS.queues, [{ ...place, value: webhook }]);
}

/** As it stood in the log before there was sealing. */
async function storeInTheClear(secret: string): Promise<void> {
  const { createdAt, ...stored } = (await storedWebhook()) as SealedWebhook;
  await store({ ...stored, createdAt, format: 1, secrets: [{ secret, createdAt }] });
}

function keyOf(webhook: StoredWebhook): string | undefined {
  return webhook.secrets[0]?.secret.split('.')[2];
}
