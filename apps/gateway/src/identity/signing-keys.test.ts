import { type JWK, signJwt, verifyJwt } from '@heddle/auth';
import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TrialSealer } from './sealer-trial.js';
import { SigningKeys } from './signing-keys.js';

const HOUR_MS = 3_600_000;
const ISSUER = 'https://gateway.example';
const started: SigningKeys[] = [];
let log: MemoryControlLog;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  log = new MemoryControlLog();
  await log.ensureTopics(CONTROL_TOPIC_SPECS);
});

afterEach(async () => {
  vi.useRealTimers();
  for (const keys of started.splice(0)) await keys.stop();
});

async function instance(sealer = new TrialSealer()): Promise<SigningKeys> {
  const keys = new SigningKeys({
    controlLog: log,
    sealer,
    log: createLog('test', 'silent'),
    periodMs: 24 * HOUR_MS,
    tokenLifeMs: HOUR_MS,
  });
  started.push(keys);
  await keys.start();
  return keys;
}

async function passes(ms: number, ...instances: readonly SigningKeys[]): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await Promise.all(instances.map((keys) => keys.look()));
}

function sign(keys: SigningKeys): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  return signJwt({ iss: ISSUER, aud: 'heddle', iat, exp: iat + 3600 }, 'at+jwt', keys.current());
}

function verify(keys: SigningKeys, token: string): Promise<unknown> {
  return verifyJwt(token, { issuer: ISSUER, audience: 'heddle', types: ['at+jwt'], key: keys.find });
}

const kids = (keys: SigningKeys): string[] => keys.jwks().keys.map(({ kid }: JWK) => kid!);

describe('signing keys', () => {
  it('are the same at every instance, also where several make the first one at a time', async () => {
    const instances = await Promise.all([instance(), instance(), instance()]);
    const late = await instance();
    const signing = [...instances, late].map((keys) => keys.current().kid);
    expect(new Set(signing).size).toBe(1);
    expect(kids(late)).toEqual([signing[0]]);
    expect(await verify(late, await sign(instances[0]!))).toMatchObject({ iss: ISSUER });
  });

  it('are published before they sign, and stay until what they signed is over', async () => {
    const [one, other] = [await instance(), await instance()];
    const first = one.current().kid;
    await passes(24 * HOUR_MS - 600_000, one, other);
    expect(kids(one)).toHaveLength(2);
    expect(kids(other)).toEqual(kids(one));
    expect([one.current().kid, other.current().kid]).toEqual([first, first]);
    const last = await sign(one);
    await passes(600_000, one, other);
    const second = one.current().kid;
    expect(second).not.toBe(first);
    expect(other.current().kid).toBe(second);
    expect(await verify(other, last)).toMatchObject({ iss: ISSUER });
    expect(await verify(other, await sign(one))).toMatchObject({ iss: ISSUER });
    await passes(HOUR_MS, one, other);
    expect(kids(one)).toContain(first);
    await passes(180_000, one, other);
    expect([kids(one), kids(other)]).toEqual([[second], [second]]);
    await expect(verify(one, last)).rejects.toMatchObject({ code: 'token-invalid' });
    expect(await verify(one, await sign(other))).toMatchObject({ iss: ISSUER });
  });

  it('outlive every instance', async () => {
    const before = await instance();
    const token = await sign(before);
    await before.stop();
    expect(await verify(await instance(), token)).toMatchObject({ iss: ISSUER });
  });

  it('stand in the log sealed, and nothing of them is shown', async () => {
    const keys = await instance();
    const records: unknown[] = [];
    await log.load(CONTROL_TOPICS.keys, [0], ({ value }) => records.push(value));
    expect(records).toHaveLength(1);
    expect(records[0]).not.toHaveProperty('publicJwk.d');
    expect(JSON.stringify(records)).not.toContain('"d"');
    expect(Object.keys(keys.jwks().keys[0]!).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('stop the start of an instance that cannot open them, instead of letting it sign with others', async () => {
    const one = await instance();
    class Blind extends TrialSealer {
      override open(): string {
        throw new Error('sealed with another key');
      }
    }
    await expect(instance(new Blind())).rejects.toThrowError(/add the one that sealed them to HEDDLE_MASTER_KEY/);
    expect(kids(one)).toHaveLength(1);
  });

  it('are opened as soon as the vault knows what they were sealed with', async () => {
    const one = await instance();
    let misses = 3;
    class Late extends TrialSealer {
      override open(tenant: string, context: string, sealed: string): string {
        misses -= 1;
        if (misses >= 0) throw new Error('its data key is not known');
        return super.open(tenant, context, sealed);
      }
    }
    const late = await instance(new Late());
    expect(late.current().kid).toBe(one.current().kid);
    misses = 1;
    await passes(24 * HOUR_MS - 600_000, one);
    await passes(600_000, one);
    await late.look();
    expect(late.current().kid).toBe(one.current().kid);
  });

  it('leave what else stands in the topic alone', async () => {
    await log.put(CONTROL_TOPICS.keys, [{ partition: 0, key: 'data/acme/1', value: { format: 1 } }]);
    expect(kids(await instance())).toHaveLength(1);
  });
});
