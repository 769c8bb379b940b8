import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';

/** What a client says of who it is, by PLAIN (RFC 4616). */
export interface PlainCredentials {
  user: string;
  password: string;
}

/** Codes of an outcome (part 5, section 5.3.3.6). */
export const SASL_CODES = { ok: 0, auth: 1, sys: 2, sysTemp: 4 } as const;

export const PLAIN = 'PLAIN';
export const ANONYMOUS = 'ANONYMOUS';

/** A token has three parts, as no client id and no secret has. */
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Reads a response of PLAIN. @throws HeddleError `token-invalid` */
export function plainCredentials(response: Buffer): PlainCredentials {
  const [, user, password, ...more] = response.toString('utf8').split('\u0000');
  if (user === undefined || password === undefined || more.length > 0) {
    throw new HeddleError(
      'token-invalid',
      'A response of PLAIN is identity, user and password, with NUL between them.',
    );
  }
  return { user, password };
}

/** Whether a password is an access token. */
function isToken(password: string): boolean {
  return TOKEN.test(password);
}

/** Who may authenticate a client that brought no token with its connection. */
export interface PlainGuard {
  /** @throws HeddleError `token-invalid` */
  identifyToken(token: string): Caller | Promise<Caller>;
  /** @throws HeddleError `token-invalid` */
  identifyCredentials(id: string, secret: string): Promise<Caller>;
}

/** By client id and secret, or by a token as the password, whatever the user is then. @throws HeddleError `token-invalid` */
export async function identifyPlain(guard: PlainGuard, { user, password }: PlainCredentials): Promise<Caller> {
  return isToken(password) ? guard.identifyToken(password) : guard.identifyCredentials(user, password);
}
