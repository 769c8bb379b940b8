import { uuidv7 } from '@heddle/event';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { BAD_TOKEN_KINDS, badTokensContract } from '../../../test/src/contract/bad-tokens.contract.js';
import { ACCESS_TOKEN, callerOfClaims, issueAccessToken } from './access-token.js';
import type { Caller } from './caller.js';
import { CLOCK_SKEW_S, type KeyFinder, type SigningKey, signJwt } from './jwt.js';
import { Permissions } from './permissions.js';
import { type JWK, createKeyPair, keyOf } from './signing-key.js';
import { TokenVerifier } from './token-verifier.js';

const ISSUER = 'https://gateway.example';
const caller = {
  tenant: 'acme',
  namespace: 'acme/sales/prod',
  client: 'shop',
  permissions: Permissions.of(['publish:type:sap.s4.*', 'consume:queue:orders']),
  grantedAt: 1_760_000_000_000,
};

let key: SigningKey;
let publicJwk: JWK;
let verifier: TokenVerifier;
let isCurrent: (caller: Caller) => boolean = () => true;
const find = vi.fn<KeyFinder>(async ({ kid }) => {
  if (kid !== key.kid) throw new Error('no such key');
  return keyOf(publicJwk);
});

beforeAll(async () => {
  const pair = await createKeyPair();
  ({ publicJwk } = pair);
  key = { kid: publicJwk.kid!, alg: 'ES256', privateKey: await keyOf(pair.privateJwk) };
  verifier = new TokenVerifier(
    [{ issuer: ISSUER, audience: 'heddle', types: [ACCESS_TOKEN], key: find, callerOf: callerOfClaims }],
    (one) => isCurrent(one),
  );
});

function issue(change: Partial<typeof caller> = {}, lifeSeconds = 60): Promise<string> {
  return issueAccessToken(
    { issuer: ISSUER, audience: 'heddle', clientId: 'acme.shop', caller: { ...caller, ...change }, lifeSeconds },
    key,
  );
}

function claims(): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: 'heddle',
    sub: 'acme.shop',
    client_id: 'acme.shop',
    client: 'shop',
    tenant: 'acme',
    namespace: 'acme/sales/prod',
    scope: 'publish:type:sap.s4.*',
    granted_at: caller.grantedAt,
    iat,
    exp: iat + 60,
    jti: uuidv7(),
  };
}

describe('an access token', () => {
  it('says of its client what it was issued with', async () => {
    expect(await verifier.verify(await issue())).toEqual({ ...caller, expiresAt: expect.any(Number) as number });
  });

  it('that was seen before costs no key, no signature and no promise', async () => {
    const token = await issue();
    const first = await verifier.verify(token);
    find.mockClear();
    expect(verifier.verify(token)).toBe(first);
    expect(find).not.toHaveBeenCalled();
  });

  it('is refused when it has been seen before and its time is over', async () => {
    const token = await issue({}, 60);
    await verifier.verify(token);
    vi.useFakeTimers({ now: Date.now() + (60 + CLOCK_SKEW_S + 1) * 1000 });
    try {
      expect(() => verifier.verify(token)).toThrowError(expect.objectContaining({ code: 'token-invalid' }) as Error);
    } finally {
      vi.useRealTimers();
    }
    expect(verifier.verify(token)).toMatchObject({ client: 'shop' });
  });

  it('is refused at once when its client is not as it was, seen before or not', async () => {
    const [seen, unseen] = [await issue(), await issue()];
    await verifier.verify(seen);
    isCurrent = ({ grantedAt }) => grantedAt > caller.grantedAt;
    expect(() => verifier.verify(seen)).toThrowError(/changed or disabled/);
    await expect(verifier.verify(unseen)).rejects.toThrowError(/changed or disabled/);
    expect(await verifier.verify(await issue({ grantedAt: caller.grantedAt + 1 }))).toMatchObject({ client: 'shop' });
    isCurrent = () => true;
  });

  it.each([
    ['a subject that is not its client', { sub: 'acme.other' }],
    ['no client', { client: undefined }],
    ['a tenant that is none', { tenant: '../acme' }],
    ['the namespace of another tenant', { namespace: 'other/sales/prod' }],
    ['a namespace of two segments', { namespace: 'acme/sales' }],
    ['no scope', { scope: undefined }],
    ['a scope that is a list', { scope: ['*'] }],
    ['a scope that is no permission', { scope: 'everything' }],
    ['no state of its client', { granted_at: undefined }],
    ['a state of its client that is a text', { granted_at: '9999999999999' }],
  ])('is refused with %s', async (_what, change) => {
    const bad = await signJwt({ ...claims(), ...change }, ACCESS_TOKEN, key);
    await expect(verifier.verify(bad)).rejects.toMatchObject({ code: 'token-invalid' });
    expect(await verifier.verify(await signJwt(claims(), ACCESS_TOKEN, key))).toMatchObject({ client: 'shop' });
  });
});

it('there are at least 60 kinds of bad tokens', () => {
  expect(BAD_TOKEN_KINDS).toBeGreaterThanOrEqual(60);
});

badTokensContract('the verifier', () => ({
  type: ACCESS_TOKEN,
  kid: key.kid,
  privateKey: key.privateKey,
  publicJwk,
  claims,
  async enter(token) {
    try {
      await verifier.verify(token);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'token-invalid' });
      return false;
    }
  },
}));
