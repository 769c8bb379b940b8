import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Caller, Permissions, createKeyPair, gatewayTokens, issueAccessToken, keyOf } from '@heddle/auth';
import { createLog } from '@heddle/runtime';
import type { FastifyRequest } from 'fastify';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ServiceGuard } from './service-guard.js';

const TYPES = ['acme.order.v1.Order.Created.v1', 'acme.order.v1.Order.Deleted.v1'];
const ISSUER = 'http://gateway.example';

let keys: Awaited<ReturnType<typeof createKeyPair>>;

beforeAll(async () => {
  keys = await createKeyPair();
});

describe('the tokens of a gateway', () => {
  it('are believed when its key has signed them, whatever URL it is reached by', async () => {
    const gateway = await gatewayWithKeys();
    const verifier = gatewayTokens({ url: gateway.url, issuer: ISSUER, audience: 'heddle' });
    expect(await verifier.verify(await tokenOf({ issuer: ISSUER }))).toMatchObject({
      tenant: 'local',
      client: 'clerk',
    });
    await expect(verifier.verify(await tokenOf({ issuer: gateway.url }))).rejects.toMatchObject({
      code: 'token-invalid',
    });
    await expect(verifier.verify(await tokenOf({ audience: 'others' }))).rejects.toMatchObject({
      code: 'token-invalid',
    });
  });

  it('are good without the gateway once they were seen, and those signed by a key that was', async () => {
    const gateway = await gatewayWithKeys();
    const verifier = gatewayTokens({ url: gateway.url, issuer: ISSUER, audience: 'heddle' });
    const token = await tokenOf();
    await verifier.verify(token);
    await gateway.stop();
    expect(await verifier.verify(token)).toMatchObject({ client: 'clerk' });
    expect(await verifier.verify(await tokenOf())).toMatchObject({ client: 'clerk' });
  });

  it('cannot be told from others before the gateway was there: that is 503', async () => {
    const gateway = await gatewayWithKeys();
    await gateway.stop();
    const verifier = gatewayTokens({ url: gateway.url, issuer: ISSUER, audience: 'heddle' });
    await expect(verifier.verify(await tokenOf())).rejects.toMatchObject({ code: 'issuer-unavailable', status: 503 });
  });

  async function gatewayWithKeys(): Promise<{ url: string; stop(): Promise<void> }> {
    const server = createServer((request, response) => {
      const isKeys = request.url === '/.well-known/jwks.json';
      response.writeHead(isKeys ? 200 : 404, { connection: 'close' });
      response.end(JSON.stringify({ keys: [keys.publicJwk] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = () => new Promise<void>((resolve) => void server.close(() => resolve()));
    onTestFinished(() => void server.close());
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  }
});

describe('a service', () => {
  const reads = { verb: 'fetch', kind: 'type' } as const;
  const changes = { verb: 'publish', kind: 'type' } as const;

  it.each([
    [reads, ['fetch:type:acme.order.v1.Order.Created.v1'], undefined],
    [reads, ['fetch:type:acme.invoice.*'], 'permission-missing'],
    [reads, ['publish:type:*'], 'permission-missing'],
    [changes, ['publish:type:acme.order.*'], undefined],
    [changes, ['publish:type:acme.order.v1.Order.Created.v1'], 'permission-missing'],
    [changes, ['fetch:type:*'], 'permission-missing'],
    [changes, ['*'], undefined],
  ])('asked to %o by who may %o answers %s', (access, permissions, code) => {
    expect(codeOf(() => guard().admit(requestOf(access, caller({ permissions }))))).toBe(code);
  });

  it('names the permission that is missing', () => {
    const admit = () =>
      guard().admit(requestOf(changes, caller({ permissions: ['publish:type:acme.order.v1.Order.Created.v1'] })));
    expect(admit).toThrow(/publish:type:acme\.order\.v1\.Order\.Deleted\.v1/);
  });

  it('has nothing for clients of another tenant, whatever they may do there', () => {
    expect(codeOf(() => guard().admit(requestOf(reads, caller({ tenant: 'acme', permissions: ['*'] }))))).toBe(
      'not-found',
    );
  });
});

function guard(): ServiceGuard {
  const service = { tenant: 'local', types: TYPES };
  return new ServiceGuard({ verify: () => caller() }, service, createLog('test', 'silent'));
}

function requestOf(access: object, by: Caller): FastifyRequest {
  return { caller: by, routeOptions: { config: { access } } } as unknown as FastifyRequest;
}

function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function caller({ tenant = 'local', permissions = ['*'] }: { tenant?: string; permissions?: string[] } = {}): Caller {
  return {
    tenant,
    namespace: `${tenant}/mesh/test`,
    client: 'clerk',
    permissions: Permissions.of(permissions),
    grantedAt: 0,
    expiresAt: Date.now() + 60_000,
  };
}

async function tokenOf({ issuer = ISSUER, audience = 'heddle' } = {}): Promise<string> {
  const { kid = '', alg = '' } = keys.privateJwk;
  const key = { kid, alg, privateKey: await keyOf(keys.privateJwk) };
  return issueAccessToken({ issuer, audience, clientId: 'clerk', caller: caller(), lifeSeconds: 60 }, key);
}
