import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { Signer, messageId } from './signature.js';
import { newSecret, webhookShape } from './webhook.js';

it('signatures are accepted by the reference library of Standard Webhooks, and only for the bytes signed', () => {
  const secret = newSecret();
  const body = '{"name":"Überprüfung","n":1}';
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': new Signer(secret).sign('msg_1', timestamp, Buffer.from(body)),
  };
  expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(secret).verify(body.replace('1', '2'), headers)).toThrow();
  expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
});

it('message ids have no dot, and are the same at every attempt', () => {
  expect(messageId('019ab-12')).toBe('019ab-12');
  expect(messageId('a.b')).not.toContain('.');
  expect(messageId('a.b')).toBe(messageId('a.b'));
  expect(messageId('a.b')).not.toBe(messageId('a.c'));
  expect(messageId('ü')).toMatch(/^[\x21-\x7e]+$/);
});

it('a webhook is refused with the field that is wrong', () => {
  const valid = { types: ['a.b.*'], url: 'https://example.com/hook' };
  expect(webhookShape.safeParse(valid).success).toBe(true);
  const wrong: [string, object][] = [
    ['url', { ...valid, url: 'ftp://example.com' }],
    ['url', { ...valid, url: 'https://user:pw@example.com' }],
    ['types', { ...valid, types: [] }],
    ['types', { ...valid, types: ['a.*.b'] }],
    ['secret', { ...valid, secret: 'whsec_c2hvcnQ=' }],
    ['contentMode', { ...valid, contentMode: 'batch' }],
  ];
  for (const [field, request] of wrong) {
    const outcome = webhookShape.safeParse(request);
    expect(outcome.error?.issues[0]?.path[0], field).toBe(field);
  }
  expect(webhookShape.safeParse({ ...valid, urls: 'x' }).success).toBe(false);
});
