import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type VerifyWebhook, verifyWebhook } from './webhook-request.js';
import { type WebhookFailure, WebhookRefused } from './webhook-signature.js';

const NOW = 1_800_000_000_000;
const TIMESTAMP = String(NOW / 1000);
const BODY = JSON.stringify({ specversion: '1.0', id: 'e1', source: '/s', type: 't', data: { name: 'Überprüfung' } });
const SECRET = secret();
const PAIR = pair();

describe('what is refused', () => {
  const good = signed();
  const mac = good.headers['webhook-signature']!.slice(3);
  const otherMac = mac.startsWith('A') ? `B${mac.slice(1)}` : `A${mac.slice(1)}`;
  const bad: [what: string, reason: WebhookFailure, different: Partial<VerifyWebhook>][] = [
    ['no headers at all', 'header-missing', { headers: {} }],
    ['no id', 'header-missing', without('webhook-id')],
    ['an empty id', 'header-missing', having('webhook-id', '')],
    ['no timestamp', 'header-missing', without('webhook-timestamp')],
    ['no signature', 'header-missing', without('webhook-signature')],
    ['an empty signature', 'header-missing', having('webhook-signature', '')],
    ['another id', 'signature-mismatch', having('webhook-id', 'msg_2')],
    ['an id with a dot, which moves the parts', 'header-invalid', moved()],
    ['an id that came twice', 'header-invalid', having('webhook-id', 'msg_1, msg_1')],
    ['an id with a line end', 'header-invalid', having('webhook-id', 'msg_1\n')],
    ['an id that is not ASCII', 'header-invalid', having('webhook-id', 'mšg')],
    ['an id that is endless', 'header-invalid', having('webhook-id', 'm'.repeat(257))],
    ['another timestamp', 'signature-mismatch', having('webhook-timestamp', String(Number(TIMESTAMP) + 1))],
    ['a timestamp that is a date', 'header-invalid', having('webhook-timestamp', new Date(NOW).toISOString())],
    ['a timestamp in milliseconds', 'header-invalid', having('webhook-timestamp', String(NOW))],
    ['a timestamp of another millennium', 'timestamp-too-new', having('webhook-timestamp', '180000000000')],
    ['a timestamp with a fraction', 'header-invalid', having('webhook-timestamp', `${TIMESTAMP}.0`)],
    ['a timestamp with a sign', 'header-invalid', having('webhook-timestamp', `+${TIMESTAMP}`)],
    ['a timestamp in hexadecimal', 'header-invalid', having('webhook-timestamp', '0x6b49d200')],
    ['a timestamp with a zero in front', 'header-invalid', having('webhook-timestamp', `0${TIMESTAMP}`)],
    ['a timestamp that is no number', 'header-invalid', having('webhook-timestamp', 'NaN')],
    ['a replay after five minutes', 'timestamp-too-old', { now: NOW + 300_001 }],
    ['a signature of the future', 'timestamp-too-new', { now: NOW - 300_001 }],
    ['a replay after the tolerance that is set', 'timestamp-too-old', { now: NOW + 11_000, toleranceSeconds: 10 }],
    ['another body', 'signature-mismatch', { body: BODY.replace('e1', 'e2') }],
    ['a body with a space more', 'signature-mismatch', { body: `${BODY} ` }],
    [
      'a body that was parsed and written again',
      'signature-mismatch',
      { body: JSON.stringify(JSON.parse(BODY), null, 1) },
    ],
    ['an empty body', 'signature-mismatch', { body: '' }],
    ['another secret', 'signature-mismatch', { secrets: [secret()] }],
    ['a signature with another bit', 'signature-mismatch', having('webhook-signature', `v1,${otherMac}`)],
    ['a signature without its kind', 'signature-mismatch', having('webhook-signature', mac)],
    ['a signature of a kind nobody knows', 'signature-mismatch', having('webhook-signature', `v2,${mac}`)],
    ['a v1 signature said to be v1a', 'signature-mismatch', having('webhook-signature', `v1a,${mac}`)],
    ['a signature in upper-case kind', 'signature-mismatch', having('webhook-signature', `V1,${mac}`)],
    ['half a signature', 'signature-mismatch', having('webhook-signature', `v1,${mac.slice(0, 20)}`)],
    ['a signature and something behind it', 'signature-mismatch', having('webhook-signature', `v1,${mac}AAAA`)],
    ['a signature without its padding', 'signature-mismatch', having('webhook-signature', `v1,${mac.slice(0, -1)}`)],
    ['a signature in URL-safe base64', 'signature-mismatch', having('webhook-signature', `v1,${'-'.repeat(43)}=`)],
    ['a signature in hexadecimal', 'signature-mismatch', having('webhook-signature', `v1,${hex(mac)}`)],
    ['an empty signature of its kind', 'signature-mismatch', having('webhook-signature', 'v1,')],
    ['signatures separated by commas', 'signature-mismatch', having('webhook-signature', `v1,x,v1,${mac}`)],
    ['eleven signatures', 'header-invalid', having('webhook-signature', Array(11).fill(`v1,${mac}`).join(' '))],
    [
      'a v1 signature where only a public key is known',
      'signature-mismatch',
      { secrets: [], publicKeys: [PAIR.written] },
    ],
    ['a v1a signature of another key', 'signature-mismatch', asymmetric({ by: pair() })],
    ['a v1a signature over another body', 'signature-mismatch', asymmetric({ over: 'x' })],
    [
      'a v1a signature where only a secret is known',
      'signature-mismatch',
      { ...asymmetric(), publicKeys: [], secrets: [SECRET] },
    ],
    [
      'a v1a signature of zeros',
      'signature-mismatch',
      { ...asymmetric(), ...having('webhook-signature', `v1a,${'A'.repeat(86)}==`) },
    ],
    ['a public key used as a secret', 'signature-mismatch', byPublicKey()],
  ];

  it('is of more than thirty kinds', () => {
    expect(bad.length).toBeGreaterThan(30);
  });

  it.each(bad)('%s: %s', (_what, reason, different) => {
    // What is refused would be taken without that difference.
    expect(verifyWebhook(good)).toMatchObject({ id: 'msg_1' });
    expect(failure({ ...good, ...different })).toMatchObject({ reason, status: 401 });
  });

  function without(name: string): Partial<VerifyWebhook> {
    const { [name]: _gone, ...headers } = good.headers;
    return { headers };
  }

  function having(name: string, value: string): Partial<VerifyWebhook> {
    return { headers: { ...good.headers, [name]: value } };
  }

  /** The same bytes are signed as of a message `msg_1` at another time, whose body begins with a timestamp. */
  function moved(): Partial<VerifyWebhook> {
    const { headers, ...rest } = signed({ body: `${TIMESTAMP}.${BODY}` });
    return { ...rest, headers: { ...headers, 'webhook-id': `msg_1.${TIMESTAMP}` }, body: BODY };
  }

  function byPublicKey(): Partial<VerifyWebhook> {
    const { headers, body } = signed({ by: `whsec_${PAIR.written.slice(5)}` });
    return { headers, body, secrets: [], publicKeys: [PAIR.written] };
  }
});

describe('what is taken', () => {
  it('is v1 by any secret of several, and v1a by any public key, beside signatures that do not fit', () => {
    const one = signed();
    const two = signed({ by: secret() });
    const both = `${two.headers['webhook-signature']} v3,x ${one.headers['webhook-signature']}`;
    expect(
      verifyWebhook({ ...one, secrets: [secret(), SECRET], headers: { ...one.headers, 'webhook-signature': both } }),
    ).toBeTruthy();
    const asked = asymmetric();
    expect(verifyWebhook({ ...signed(), ...asked, publicKeys: [pair().written, PAIR.written] })).toBeTruthy();
    expect(verifyWebhook({ ...signed(), ...asked, secrets: [SECRET] })).toBeTruthy();
  });

  it('may be as old, and as early, as the tolerance', () => {
    for (const now of [NOW + 300_000, NOW - 300_000]) expect(verifyWebhook({ ...signed(), now })).toBeTruthy();
  });

  it('comes with headers of any platform: plain, in any case, in lists, as Headers', () => {
    const { headers, ...rest } = signed();
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    for (const shape of [headers, upper, lists, new Headers(headers)]) {
      expect(verifyWebhook({ ...rest, headers: shape })).toMatchObject({ events: [{ id: 'e1' }] });
    }
  });
});

it('keys that are none are a mistake of the receiver, said at once and without showing them', () => {
  const { headers, body } = signed();
  for (const keys of [
    {},
    { secrets: ['whsec_'] },
    { secrets: ['whsec_not base64!'] },
    { secrets: ['whsec_c2hvcnQ='] },
    { publicKeys: ['whpk_c2hvcnQ='] },
    { publicKeys: [SECRET] },
    { secrets: [SECRET], toleranceSeconds: 0 },
  ]) {
    expect(() => verifyWebhook({ headers, body, ...keys })).toThrow(TypeError);
  }
  expect(() => verifyWebhook({ headers, body: JSON.parse(body as string) as never, secrets: [SECRET] })).toThrow(
    /bytes/,
  );
});

function failure(wish: VerifyWebhook): WebhookRefused {
  try {
    verifyWebhook(wish);
  } catch (error) {
    if (error instanceof WebhookRefused) return error;
    throw error;
  }
  throw new Error('it was taken');
}

type Signed = Omit<VerifyWebhook, 'headers'> & { headers: Record<string, string> };

function signed({ by = SECRET, body = BODY } = {}): Signed {
  const key = Buffer.from(by.slice(by.indexOf('_') + 1), 'base64');
  const mac = createHmac('sha256', key).update(`msg_1.${TIMESTAMP}.${body}`).digest('base64');
  return { headers: headersOf(`v1,${mac}`), body, secrets: [SECRET], now: NOW };
}

function asymmetric({ by = PAIR, over = BODY } = {}): Partial<VerifyWebhook> {
  const signature = sign(null, Buffer.from(`msg_1.${TIMESTAMP}.${over}`), by.key).toString('base64');
  return { headers: headersOf(`v1a,${signature}`), secrets: [], publicKeys: [PAIR.written] };
}

function headersOf(signature: string): Record<string, string> {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': TIMESTAMP,
    'webhook-signature': signature,
    'content-type': 'application/cloudevents+json; charset=utf-8',
  };
}

function secret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function pair() {
  const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
  const x = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64');
  return { key, written: `whpk_${x}` };
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
