import { createHash } from 'node:crypto';
import { WebhookRefused, verifyWebhook } from '@heddle/client';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { newSecret, publicKeyOf } from '../../../apps/gateway/src/protocols/webhook/secrets.js';
import { Signer, messageId } from '../../../apps/gateway/src/protocols/webhook/signature.js';

const NOW = 1_800_000_000_000;
const CREATED = { createdAt: '2026-01-01T00:00:00.000Z' };
const TYPE = { 'content-type': 'application/cloudevents+json' };

const events = fc
  .record({ id: fc.string({ minLength: 1 }), data: fc.jsonValue() })
  .map(({ id, data }) => ({ specversion: '1.0', id, source: '/s', type: 't', data }));

it('whatever the gateway signs, with v1 and v1a and during a change of secrets, is taken by each key alone', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 0, max: 4 }), (event, others) => {
      const [mac, key] = [newSecret(), newSecret('v1a')];
      const secrets = [mac, key, ...Array.from({ length: Math.min(3, others) }, () => newSecret())];
      const body = JSON.stringify(event);
      const id = messageId(event.id);
      const signer = new Signer(secrets.map((secret) => ({ secret, ...CREATED })));
      const headers = headersOf(id, signer.sign(id, NOW / 1000, Buffer.from(body)));
      const publicKeys = [publicKeyOf(key)];
      for (const keys of [{ secrets: [mac] }, { publicKeys }, { secrets: [newSecret(), mac], publicKeys }]) {
        // What JSON cannot say (-0) comes back as what it says.
        expect(verifyWebhook({ headers, body, now: NOW, ...keys }).events).toEqual([JSON.parse(body)]);
      }
      for (const keys of [{ secrets: [newSecret()] }, { publicKeys: [publicKeyOf(newSecret('v1a'))] }]) {
        expect(() => verifyWebhook({ headers, body, now: NOW, ...keys })).toThrow(WebhookRefused);
      }
    }),
    { numRuns: 100 },
  );
});

it('agrees with the reference library of Standard Webhooks, on what it signs and on what was changed on the way', () => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const change = fc.constantFrom('nothing', 'id', 'timestamp', 'signature', 'body', 'secret');
  fc.assert(
    fc.property(events, change, fc.integer({ min: -400, max: 400 }), (event, changed, age) => {
      const secret = newSecret();
      const body = JSON.stringify(event);
      const signedAt = new Date(now - age * 1000);
      const signature = new Webhook(secret).sign('msg_1', signedAt, body);
      const headers = headersOf('msg_1', signature, signedAt.getTime() / 1000);
      if (changed === 'id') headers['webhook-id'] = 'msg_2';
      if (changed === 'timestamp') headers['webhook-timestamp'] = String(Number(headers['webhook-timestamp']) + 1);
      if (changed === 'signature') headers['webhook-signature'] = `v1,${createHash('sha256').digest('base64')}`;
      const [got, by] = [changed === 'body' ? `${body} ` : body, changed === 'secret' ? newSecret() : secret];
      // At the very edge of the tolerance the two may read the clock in different seconds.
      fc.pre(Math.abs(Math.abs(age) - 300) > 2);
      expect(isTaken(() => verifyWebhook({ headers, body: got, secrets: [by] }))).toBe(
        isTaken(() => new Webhook(by).verify(got, headers)),
      );
    }),
    { numRuns: 300 },
  );
});

function headersOf(id: string, signature: string, timestamp = NOW / 1000): Record<string, string> {
  return { ...TYPE, 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
}

function isTaken(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}
