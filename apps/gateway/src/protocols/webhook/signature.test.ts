import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { newSecret, publicKeyOf } from './secrets.js';
import { Signer, batchId, messageId } from './signature.js';

const CREATED = { createdAt: '2026-01-01T00:00:00.000Z' };
const BODY = Buffer.from('{"name":"Überprüfung","n":1}');

it('v1 signatures are accepted by the reference library of Standard Webhooks, and only for the bytes signed', () => {
  const secret = newSecret();
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = new Signer([{ secret, ...CREATED }]).sign('msg_1', timestamp, BODY);
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
  expect(new Webhook(secret).verify(BODY.toString(), headers)).toEqual(JSON.parse(BODY.toString()));
  expect(() => new Webhook(secret).verify(BODY.toString().replace('1', '2'), headers)).toThrow();
  expect(() => new Webhook(newSecret()).verify(BODY.toString(), headers)).toThrow();
});

it('v1 signatures are those that the reference library makes', () => {
  for (const bytes of [0, 1, 1000]) {
    const secret = newSecret();
    const body = 'x'.repeat(bytes);
    const theirs = new Webhook(secret).sign('msg_2', new Date(1_700_000_000_000), body);
    expect(new Signer([{ secret, ...CREATED }]).sign('msg_2', 1_700_000_000, Buffer.from(body))).toBe(theirs);
  }
});

it('v1a signatures are those of the vector that senders in the field share', () => {
  const secret = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
  const signature = new Signer([{ secret, ...CREATED }]).sign(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    Buffer.from('{"test": 2432232314}'),
  );
  expect(signature).toBe(
    'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  );
  expect(publicKeyOf(secret)).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');
});

it('v1a signatures are verified with the public key alone, and only for the bytes signed', () => {
  const secret = newSecret('v1a');
  const signature = new Signer([{ secret, ...CREATED }]).sign('msg_3', 1_700_000_000, BODY);
  const isValid = (body: Buffer): boolean =>
    verify(
      null,
      Buffer.concat([Buffer.from('msg_3.1700000000.'), body]),
      publicKey(publicKeyOf(secret)),
      Buffer.from(signature.replace('v1a,', ''), 'base64'),
    );
  expect(isValid(BODY)).toBe(true);
  expect(isValid(Buffer.from('{}'))).toBe(false);
});

it('every secret signs until it expires, and receivers with any of them can verify', () => {
  const timestamp = Math.floor(Date.now() / 1000);
  const [old, young] = [newSecret(), newSecret()];
  const signer = new Signer([
    { secret: young, ...CREATED },
    { secret: newSecret('v1a'), ...CREATED },
    { secret: old, ...CREATED, expiresAt: new Date((timestamp + 10) * 1000).toISOString() },
  ]);
  const accepts = (secret: string, signatures: string): boolean => {
    const headers = { 'webhook-id': 'm', 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures };
    try {
      new Webhook(secret).verify(BODY.toString(), headers);
      return true;
    } catch {
      return false;
    }
  };
  const during = signer.sign('m', timestamp, BODY);
  expect(during.split(' ').map((signature) => signature.split(',')[0])).toEqual(['v1', 'v1a', 'v1']);
  expect([accepts(old, during), accepts(young, during)]).toEqual([true, true]);
  const after = signer.sign('m', timestamp + 10, BODY);
  expect(after.split(' ').map((signature) => signature.split(',')[0])).toEqual(['v1', 'v1a']);
  expect(after).not.toContain(new Signer([{ secret: old, ...CREATED }]).sign('m', timestamp + 10, BODY));
});

it('message ids have no dot, and are the same at every attempt', () => {
  expect(messageId('019ab-12')).toBe('019ab-12');
  expect(messageId('a.b')).not.toContain('.');
  expect(messageId('a.b')).toBe(messageId('a.b'));
  expect(messageId('a.b')).not.toBe(messageId('a.c'));
  expect(messageId('ü')).toMatch(/^[\x21-\x7e]+$/);
});

it('a batch has one id, made of the ids in it and their order', () => {
  expect(batchId(['a', 'b'])).toBe(batchId(['a', 'b']));
  expect(batchId(['a', 'b'])).toMatch(/^batch_[A-Za-z0-9_-]{43}$/);
  expect(new Set([['a', 'b'], ['b', 'a'], ['ab'], ['a'], ['a', 'b', 'c']].map(batchId)).size).toBe(5);
});

function publicKey(written: string) {
  const x = Buffer.from(written.replace('whpk_', ''), 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
