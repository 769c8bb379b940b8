import { describe, expect, it } from 'vitest';
import { messageIn, qosOf } from './messagingrest.frames.js';

const HEADERS = { 'x-qos': '1', 'content-type': 'text/plain' };
const BODY = Buffer.from('x');
const NOW = 1_700_000_000_000;

describe('a message that comes by REST', () => {
  it('is its address, its bytes and its content type', () => {
    expect(messageIn('queue:a/b', HEADERS, BODY, NOW)).toEqual({
      address: 'queue:a/b',
      contentType: 'text/plain',
      body: BODY,
    });
  });

  it.each([
    ['1', NOW + 1],
    ['2592000000', NOW + 2_592_000_000],
  ])('that is to be kept for %s ms expires then', (text, expiresAt) => {
    const headers = { ...HEADERS, 'x-message-expiration': text };
    expect(messageIn('topic:a/b', headers, BODY, NOW)).toMatchObject({ expiresAt });
  });

  it('has the envelope of binary mode where it has one', () => {
    const headers = { ...HEADERS, 'ce-specversion': '1.0', 'ce-id': '1', 'ce-subject': 'a%20b', 'ce-type': 'x' };
    const { attributes } = messageIn('topic:a/b', headers, BODY, NOW);
    expect(attributes).toEqual({ id: '1', subject: 'a b', type: 'x' });
  });

  it.each<[what: string, headers: Record<string, string>, body: Buffer | undefined, field: string]>([
    ['no quality of service', { 'content-type': 'text/plain' }, BODY, 'x-qos'],
    ['another one', { ...HEADERS, 'x-qos': '2' }, BODY, 'x-qos'],
    ['no content type', { 'x-qos': '0' }, BODY, 'content-type'],
    ['no body', HEADERS, undefined, 'body'],
    ['an empty body', HEADERS, Buffer.alloc(0), 'body'],
    ...['0', '-1', '2592000001', '1.5', '1e3', '', 'soon', '9'.repeat(13)].map(
      (text): [string, Record<string, string>, Buffer, string] => [
        `the expiration ${text}`,
        { ...HEADERS, 'x-message-expiration': text },
        BODY,
        'x-message-expiration',
      ],
    ),
  ])('with %s is refused, and it is said why', (_what, headers, body, field) => {
    expect(() => messageIn('queue:a', headers, body, NOW)).toThrow(
      expect.objectContaining({ status: 400, field }) as Error,
    );
  });

  it('names its quality of service', () => {
    expect([qosOf({ 'x-qos': '0' }), qosOf({ 'x-qos': '1' })]).toEqual([0, 1]);
  });
});
