import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/** The SHA-256 of a certificate in PEM; nothing when it is none. */
export function thumbprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}

/**
 * The certificate that a connection has shown, and the key of which it has; nothing where it was not asked for one, or the
 * certificate has ended. Nobody has looked at who signed it.
 */
export function shownCertificate({ raw }: Pick<FastifyRequest, 'raw'>, now = Date.now()): string | undefined {
  const socket = raw.socket as Partial<TLSSocket>;
  const certificate = socket.getPeerX509Certificate?.();
  if (certificate === undefined) return undefined;
  const isNow = Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
  return isNow ? certificate.fingerprint256 : undefined;
}
