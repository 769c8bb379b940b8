import { expect, it } from 'vitest';
import { identity } from './certificate-trial.js';
import { checkWebhookName } from './webhook.js';
import { webhookShape } from './webhook.shape.js';

const OURS = identity('heddle');
const BY_CERTIFICATE = { tokenUrl: 'https://id.test/', clientId: 'a', mtls: OURS };
const VALID = { types: ['heddle.thing.*'], url: 'https://receiver.test/hook' };

it('a webhook is refused with the field that is wrong', () => {
  expect(webhookShape.safeParse(VALID).success).toBe(true);
  const wrong: [field: string, request: object][] = [
    ['url', { ...VALID, url: 'ftp://example.com' }],
    ['url', { ...VALID, url: 'https://user:pw@example.com' }],
    ['types', { url: VALID.url }],
    ['types', { ...VALID, types: [] }],
    ['types.0', { ...VALID, types: ['a.*.b'] }],
    ['types', { ...VALID, queue: 'other' }],
    ['order', { url: VALID.url, queue: 'other', order: 'none' }],
    ['contentMode', { ...VALID, contentMode: 'batch' }],
    ['secrets.0.secret', { ...VALID, secrets: [{ secret: 'whsec_c2hvcnQ=' }] }],
    ['secrets', { ...VALID, secrets: [] }],
    ['secrets', { ...VALID, secrets: [{ secret: `whsec_${'A'.repeat(32)}`, expiresAt: '2030-01-01T00:00:00Z' }] }],
    ['headers.webhook-id', { ...VALID, headers: { 'webhook-id': '1' } }],
    ['headers.Content-Type', { ...VALID, headers: { 'Content-Type': 'text/plain' } }],
    ['headers.Authorization', { ...VALID, headers: { Authorization: 'Bearer x' } }],
    ['headers.X', { ...VALID, headers: { X: 'a\r\nb' } }],
    ['headers', { ...VALID, headers: { X: 'a', x: 'b' } }],
    ['auth', { ...VALID, auth: { basic: { user: 'a', password: 'b' }, apiKey: { header: 'K', value: 'v' } } }],
    ['auth.basic.user', { ...VALID, auth: { basic: { user: 'a:b', password: 'c' } } }],
    ['auth.apiKey.header', { ...VALID, auth: { apiKey: { header: 'Host', value: 'v' } } }],
    ['auth.apiKey.header', { ...VALID, headers: { k: 'v' }, auth: { apiKey: { header: 'K', value: 'v' } } }],
    ['auth.oauth2.tokenUrl', { ...VALID, auth: { oauth2: { tokenUrl: 'id', clientId: 'a', clientSecret: 'b' } } }],
    ['auth.oauth2', { ...VALID, auth: { oauth2: { tokenUrl: 'https://id.test/', clientId: 'a' } } }],
    ['auth.oauth2', { ...VALID, auth: { oauth2: { ...BY_CERTIFICATE, clientSecret: 'b' } } }],
    ['auth.oauth2', { ...VALID, auth: { oauth2: { ...BY_CERTIFICATE, tokenUrl: 'http://id.test/' } } }],
    [
      'auth.oauth2.mtls.privateKey',
      { ...VALID, auth: { oauth2: { ...BY_CERTIFICATE, mtls: { ...OURS, privateKey: 'y' } } } },
    ],
    ['auth.mtls.certificate', { ...VALID, auth: { mtls: { certificate: 'x', privateKey: 'y' } } }],
    ['delivery.timeoutMs', { ...VALID, delivery: { timeoutMs: 15_001 } }],
    ['delivery.maxInFlight', { ...VALID, delivery: { maxInFlight: 1025 } }],
    ['delivery.batch.size', { ...VALID, delivery: { batch: { size: 1001, waitMs: 1 } } }],
    ['delivery.batch', { ...VALID, contentMode: 'binary', delivery: { batch: { size: 2, waitMs: 1 } } }],
    ['handshake.origin', { ...VALID, handshake: { origin: 'https://example.com' } }],
  ];
  for (const [field, request] of wrong) {
    const issues = webhookShape.safeParse(request).error?.issues.map(({ path }) => path.join('.'));
    expect(issues, field).toContain(field);
  }
  expect(webhookShape.safeParse({ ...VALID, urls: 'x' }).success).toBe(false);
});

it('a webhook has a name that stands in a path, and not the one where receivers call back', () => {
  for (const name of ['a', 'a-1', 'x'.repeat(64)]) expect(checkWebhookName(name)).toBe(name);
  for (const name of ['', 'a//b', '/a', 'a b', 'ä', '..', 'a/..', 'x'.repeat(112), 'handshake']) {
    expect(() => checkWebhookName(name), name).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  }
});
