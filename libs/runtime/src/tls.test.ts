import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { request } from 'node:https';
import { HeddleError } from '@heddle/event';
import { expect, it, onTestFinished } from 'vitest';
import { Health } from './health.js';
import { createHttpApp, listen } from './http-app.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';
import { type Certificate, type Tls, certificateOf } from './tls.js';

class EmptyModule {}

async function open(certificate?: Certificate) {
  const app = await createHttpApp(
    { module: EmptyModule },
    {
      log: createLog('test', 'silent'),
      health: new Health(),
      metrics: createMetrics('test'),
      openApi: {},
      certificate,
    },
  );
  onTestFinished(() => app.close());
  return app;
}

it('beyond loopback nothing listens before it is said who encrypts', async () => {
  const app = await open();
  const refused = listen(app, { host: '0.0.0.0', port: 0 });
  await expect(refused).rejects.toThrow(/HOST is 0\.0\.0\.0, which others can reach.*set HEDDLE_TLS/);
  expect(await listen(app, { host: '0.0.0.0', port: 0, tls: 'proxy' })).toMatch(/^http:/);
});

it('a process with a certificate of its own speaks HTTPS with it', async () => {
  const certificate = selfSigned();
  const app = await open(certificateOf({ tls: 'own', tlsCert: certificate.cert, tlsKey: certificate.key }));
  const url = await listen(app, { host: '127.0.0.1', port: 0, tls: 'own' });
  expect(url).toMatch(/^https:/);
  const status = await new Promise((resolve, reject) => {
    const options = { ca: certificate.cert, agent: false };
    request(`${url}/healthz/live`, options, (answer) => resolve(answer.resume().statusCode))
      .once('error', reject)
      .end();
  });
  expect(status).toBe(200);
});

it.each<[tls: Tls | undefined, given: object]>([
  ['own', {}],
  ['own', { tlsCert: 'x' }],
  ['own', { tlsKey: 'x' }],
  ['proxy', { tlsCert: 'x', tlsKey: 'x' }],
  [undefined, { tlsKey: 'x' }],
])('HEDDLE_TLS=%s with %o is refused', (tls, given) => {
  expect(() => certificateOf({ tls, ...given })).toThrow(HeddleError);
});

/** A certificate for 127.0.0.1 that vouches for itself, as DER by hand (RFC 5280 §4.1): Node only reads them. */
function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
  const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const subject = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('test')))));
  const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x17, Buffer.from('491231235959Z')));
  const isAuthority = sequence(oid('551d13'), der(0x04, sequence(der(0x01, Buffer.from([255])))));
  const addresses = sequence(oid('551d11'), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))));
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    subject,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(isAuthority, addresses)),
  );
  const signature = sign('sha256', signed, createPrivateKey(key));
  const certificate = sequence(signed, algorithm, der(0x03, Buffer.from([0]), signature));
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n` };
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
