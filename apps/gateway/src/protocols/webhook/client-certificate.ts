import { masked } from './masked.js';
import type { TlsIdentity } from './one-request.js';

/** A client certificate with its key, and the authority of the server where it is one of its own; PEM. */
export interface ClientCertificate {
  certificate: string;
  privateKey: string;
  ca?: string;
}

/** How a connection identifies itself by it. */
export function tlsOf({ certificate: cert, privateKey: key, ca }: ClientCertificate): TlsIdentity {
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}

/** As it may be shown: nothing of the key; which it is says the certificate beside it. */
export function shownCertificate(certificate: ClientCertificate): ClientCertificate {
  return { ...certificate, privateKey: shownKey() };
}

export function shownKey(): string {
  return masked('');
}
