import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Identity, identity } from '../protocols/webhook/certificate-trial.js';
import { ClientAuthentication } from './client-authentication.js';
import { ClientDirectory } from './client-directory.js';
import { type ClientRecord, sapClientIdOf } from './client.js';
import { clientShape } from './clients.shape.js';
import { SigningKeys } from './signing-keys.js';
import { TrialSealer } from './sealer-trial.js';
import { TokenEndpoint } from './token-endpoint.js';

const [own, shop, stranger, ended] = [
  identity('gateway'),
  identity('shop'),
  identity('stranger'),
  identity('ended', { days: -1 }),
];
const SHOP = { tenant: 'local', client: 'shop' };
let server: FastifyInstance;
let directory: ClientDirectory;
let keys: SigningKeys;
let port: number;

beforeAll(async () => {
  const controlLog = new MemoryControlLog();
  const log = createLog('test', 'silent');
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  directory = new ClientDirectory(controlLog);
  await directory.start();
  keys = new SigningKeys({ controlLog, sealer: new TrialSealer(), log, periodMs: 3_600_000, tokenLifeMs: 60_000 });
  await keys.start();
  await directory.change('local', 'shop', () => recordWith([shop.certificate, ended.certificate]));
  const https = { cert: own.certificate, key: own.privateKey, requestCert: true, rejectUnauthorized: false };
  server = Fastify({ https }) as unknown as FastifyInstance;
  new TokenEndpoint({
    authentication: new ClientAuthentication(directory, []),
    keys,
    issuer: 'https://gateway.test',
    audience: 'heddle',
    lifeSeconds: 60,
    log,
  }).open(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = server.server.address() as AddressInfo);
});

afterAll(async () => {
  await server.close();
  await keys.stop();
  await directory.stop();
});

it('a client gets a token with its certificate in place of a secret, under either form of its id', async () => {
  for (const id of ['shop', sapClientIdOf(SHOP)]) {
    expect(await ask(shop, id)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  }
});

it.each<[what: string, who: Identity | undefined, id: string]>([
  ['the certificate of somebody else', stranger, 'shop'],
  ['no certificate', undefined, 'shop'],
  ['a certificate that has ended', ended, 'shop'],
  ['its certificate, and the id of another client', shop, 'other'],
  ['its certificate, and no id', shop, ''],
])('with %s it gets none', async (_what, who, id) => {
  expect(await ask(who, id)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

it('what is registered is a certificate', () => {
  expect(clientShape.safeParse({ permissions: [], certificates: [shop.certificate] }).success).toBe(true);
  expect(clientShape.safeParse({ permissions: [], certificates: [shop.privateKey] }).success).toBe(false);
});

function recordWith(certificates: readonly string[]): ClientRecord {
  const now = new Date().toISOString();
  return {
    ...SHOP,
    format: 1,
    namespace: 'local/mesh/test',
    permissions: ['consume:queue:orders'],
    disabled: false,
    version: 1,
    validFrom: 0,
    createdAt: now,
    changedAt: now,
    secrets: [],
    certificates,
    keys: [],
  };
}

/** As a client does that has no secret: by POST, with its id in the form. */
function ask(who: Identity | undefined, id: string): Promise<{ status: number; body: unknown }> {
  const certificate = who === undefined ? {} : { cert: who.certificate, key: who.privateKey };
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(id === '' ? {} : { client_id: id }) });
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...certificate,
        port,
        host: '127.0.0.1',
        ca: own.certificate,
        method: 'POST',
        path: '/oauth/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        agent: false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(form.toString());
  });
}
