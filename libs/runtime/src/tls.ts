import { HeddleError } from '@heddle/event';
import { z } from 'zod';

/** Who encrypts what comes from beyond this machine. */
export type Tls = 'own' | 'proxy' | 'off';

/** Both as PEM; the certificate with those between it and its root behind it. */
export interface Certificate {
  cert: string;
  key: string;
  /** Whether connections are asked for one of their own, and refused without one that is trusted. */
  requestCert?: boolean;
  rejectUnauthorized?: boolean;
}

const pem = (what: string) => z.string().regex(/-----BEGIN [A-Z ]+-----/, `must be ${what} as PEM`);

/** Settings of a process that listens. */
export const tlsSettings = {
  tls: {
    env: 'HEDDLE_TLS',
    schema: z.enum(['own', 'proxy', 'off'], 'must be own, proxy or off').optional(),
    about:
      'who encrypts what comes from beyond this machine: own (this process, with HEDDLE_TLS_CERT and HEDDLE_TLS_KEY), proxy (one in front of it) or off (nobody: tokens can be read on the way). One of them is needed to listen beyond loopback',
  },
  tlsCert: {
    env: 'HEDDLE_TLS_CERT',
    schema: pem('a certificate').optional(),
    about: 'certificate of this process as PEM, with those between it and its root',
    secret: true,
  },
  tlsKey: {
    env: 'HEDDLE_TLS_KEY',
    schema: pem('a private key').optional(),
    about: 'private key of that certificate as PEM',
    secret: true,
  },
} as const;

/**
 * What a process shows as its own certificate; nothing when it speaks HTTP.
 *
 * @throws HeddleError `setting-invalid` when the three settings do not go together
 */
export function certificateOf(settings: {
  tls?: Tls | undefined;
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
}): Certificate | undefined {
  const { tls, tlsCert: cert, tlsKey: key } = settings;
  if (tls !== 'own') {
    if (cert === undefined && key === undefined) return undefined;
    throw new HeddleError('setting-invalid', 'A certificate or its key is given: set HEDDLE_TLS=own, or leave it out.');
  }
  if (cert === undefined || key === undefined) {
    throw new HeddleError(
      'setting-invalid',
      'HEDDLE_TLS is own: HEDDLE_TLS_CERT_FILE and HEDDLE_TLS_KEY_FILE are both needed.',
    );
  }
  return { cert, key };
}
