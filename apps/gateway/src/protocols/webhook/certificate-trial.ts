import { X509Certificate, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate and its key, PEM. */
export interface Identity {
  certificate: string;
  privateKey: string;
}

/** A self-signed certificate of 127.0.0.1 (RFC 5280 §4.1), with its key. */
export function identity(name: string, { days = 1 } = {}): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
  const commonName = der(0x0c, Buffer.from(name));
  const subject = sequence(der(0x31, sequence(Buffer.from('0603550403', 'hex'), commonName)));
  const [from, until] = [Math.min(0, days) - 1, days].map((after) => utcTime(Date.now() + after * 86_400_000));
  const address = der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1]))));
  const toSign = sequence(
    der(0xa0, Buffer.from('020102', 'hex')),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    subject,
    sequence(from!, until!),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(sequence(Buffer.from('0603551d11', 'hex'), address))),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', toSign, privateKey)]));
  const certificate = new X509Certificate(sequence(toSign, ecdsaWithSha256, signature)).toString();
  return { certificate, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function utcTime(at: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(at).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
}
