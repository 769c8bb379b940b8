import { randomUUID } from 'node:crypto';
import { signJwt, verifyJwt } from '@heddle/auth';
import type { ControlLog } from '@heddle/event';
import { KafkaControlLog } from '@heddle/kafka';
import { createLog } from '@heddle/runtime';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { TrialSealer } from './sealer-trial.js';
import { ADMIN, type Answer, TrialServer, basic, clientsFile } from './server-trial.js';
import { SigningKeys } from './signing-keys.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

const SOON = { timeout: 10_000, interval: 20 };
const GRANT = { grant_type: 'client_credentials' };
const PAGE = { origin: 'http://localhost:3000' };

/** One instance's connection; the broker is shared by all tests of a run, so topics are of this one alone. */
function connection(prefix: string): ControlLog & { close(): Promise<void> } {
  const log = new KafkaControlLog({ brokers: inject('stack').kafkaBrokers, clientId: 'identity' });
  return {
    put: (topic, puts) => log.put(prefix + topic, puts),
    load: (topic, partitions, apply) => log.load(prefix + topic, partitions, apply),
    follow: (topic, apply) => log.follow(prefix + topic, apply),
    ensureTopics: (specs) => log.ensureTopics(specs.map((spec) => ({ ...spec, name: prefix + spec.name }))),
    close: () => log.close(),
  };
}

describe('two instances', () => {
  const prefix = `identity-${randomUUID()}.`;
  const logs = [connection(prefix), connection(prefix)];
  let one: TrialServer;
  let other: TrialServer;
  let admin: string;

  beforeAll(async () => {
    const file = await clientsFile([ADMIN]);
    [one, other] = (await Promise.all(logs.map((log) => TrialServer.start(file, {}, log)))) as [
      TrialServer,
      TrialServer,
    ];
    admin = await one.token();
  });

  afterAll(async () => {
    await Promise.all([one, other].map((server) => server.stop()));
    await Promise.all(logs.map((log) => log.close()));
  });

  const statusAt = async (server: TrialServer, token: string): Promise<number> =>
    (await server.call('GET', '/v1/stream', { token })).status;

  it('know the same clients and believe the same tokens', async () => {
    const { body } = await one.call('PUT', '/v1/clients/shop', { token: admin, body: { permissions: [] } });
    const secret = body.clientSecret as string;
    const fromFirst = await one.token('shop', secret);
    await vi.waitFor(async () => expect(await statusAt(other, fromFirst)).toBe(200), SOON);
    const fromSecond = await other.token('shop', secret);
    expect(await statusAt(one, fromSecond)).toBe(200);
    expect((await other.form(GRANT, { authorization: basic('shop', 'wrong') })).status).toBe(401);
  });

  it('refuse what was revoked at either, and tell those who hold connections', async () => {
    const { body } = await one.call('PUT', '/v1/clients/brief', { token: admin, body: { permissions: [] } });
    const token = await one.token('brief', body.clientSecret as string);
    await vi.waitFor(async () => expect(await statusAt(other, token)).toBe(200), SOON);
    const heard: string[] = [];
    other.identity.guard.onRevoked(({ client }) => heard.push(client));
    await one.call('PUT', '/v1/clients/brief', { token: admin, body: { permissions: [], disabled: true } });
    await vi.waitFor(async () => expect(await statusAt(other, token)).toBe(401), SOON);
    expect(heard).toEqual(['brief']);
    expect(await statusAt(one, token)).toBe(401);
    expect(await statusAt(other, admin)).toBe(200);
  });

  it('let a ticket in once between them', async () => {
    for (let n = 0; n < 5; n += 1) {
      const issued = await one.call('POST', '/v1/tickets', { token: admin, body: { path: '/v1/stream' } });
      const path = `/v1/stream?ticket=${String(issued.body.ticket)}`;
      const answers: Answer[] = await Promise.all(
        [one, other, one, other].map((server) => server.call('GET', path, { headers: PAGE })),
      );
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
    }
  });

  it('believe each other about who asks', async () => {
    const caller = await one.identity.guard.identifyToken(admin);
    const headers = { 'heddle-hop': await one.identity.guard.hopToken(caller) };
    expect((await other.call('GET', '/v1/clients', { headers })).status).toBe(200);
    const instance = { 'heddle-hop': await one.identity.guard.hopToken() };
    expect((await other.call('GET', '/trial/instances', { headers: instance })).status).toBe(200);
    expect((await other.call('GET', '/trial/instances', { headers })).status).toBe(403);
  });
});

describe('the keys of two instances', () => {
  it('change while tokens are signed and checked at both, and no token is refused', async () => {
    const prefix = `keys-${randomUUID()}.`;
    const logs = [connection(prefix), connection(prefix)];
    await logs[0]!.ensureTopics([{ name: 'heddle.keys', partitions: 1, cleanup: 'compact' }]);
    const instances = logs.map(
      (controlLog) =>
        new SigningKeys({
          controlLog,
          sealer: new TrialSealer(),
          log: createLog('test', 'silent'),
          periodMs: 2000,
          announceMs: 1000,
          tokenLifeMs: 60_000,
        }),
    );
    try {
      await Promise.all(instances.map((keys) => keys.start()));
      const signed = new Set<string>();
      let checked = 0;
      const signAndCheck = async (signer: SigningKeys): Promise<void> => {
        const key = signer.current();
        signed.add(key.kid);
        const iat = Math.floor(Date.now() / 1000);
        const token = await signJwt({ iss: 'i', aud: 'a', iat, exp: iat + 60 }, 'at+jwt', key);
        for (const { find } of instances) {
          await verifyJwt(token, { issuer: 'i', audience: 'a', types: ['at+jwt'], key: find });
          checked += 1;
        }
      };
      await vi.waitFor(
        async () => {
          await Promise.all(instances.map((keys) => keys.look()));
          for (const keys of instances) await signAndCheck(keys);
          expect(signed.size).toBeGreaterThanOrEqual(4);
        },
        { timeout: 30_000, interval: 10 },
      );
      expect(checked).toBeGreaterThan(100);
      const [one, other] = instances.map((keys) => keys.jwks().keys.map(({ kid }) => kid));
      expect(one).toEqual(other);
    } finally {
      await Promise.all(instances.map((keys) => keys.stop()));
      await Promise.all(logs.map((log) => log.close()));
    }
  });
});
