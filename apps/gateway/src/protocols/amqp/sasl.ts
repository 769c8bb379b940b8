import { HeddleError } from '@heddle/event';
import type { UserAndPassword } from '../password.js';

/** Codes of an outcome (part 5, section 5.3.3.6). */
export const SASL_CODES = { ok: 0, auth: 1, sys: 2, sysTemp: 4 } as const;

export const PLAIN = 'PLAIN';
export const ANONYMOUS = 'ANONYMOUS';

/** Reads a response of PLAIN (RFC 4616). @throws HeddleError `token-invalid` */
export function plainCredentials(response: Buffer): UserAndPassword {
  const [, user, password, ...more] = response.toString('utf8').split('\u0000');
  if (user === undefined || password === undefined || more.length > 0) {
    throw new HeddleError(
      'token-invalid',
      'A response of PLAIN is identity, user and password, with NUL between them.',
    );
  }
  return { user, password };
}
