import { HeddleError } from '@heddle/event';

/** Characters of a token at most; a longer one is not looked at. */
export const MAX_TOKEN = 8192;

const SCHEME = /^bearer +/i;

/**
 * The token of an authorization header (RFC 6750 §2.1).
 *
 * @throws HeddleError `token-missing` without one, `token-invalid` when it cannot be one
 */
export function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw new HeddleError(
      'token-missing',
      'Say who you are: Authorization: Bearer <access token>. POST /oauth/token of the gateway gives one.',
    );
  }
  const scheme = SCHEME.exec(authorization);
  if (scheme === null) throw tokenInvalid('the authorization header is of another kind than Bearer');
  const token = authorization.slice(scheme[0].length);
  if (token.length > MAX_TOKEN) throw tokenInvalid(`it is longer than ${MAX_TOKEN} characters`);
  return token;
}

/** The error of a token that is there and does not hold; `why` goes to the client. */
export function tokenInvalid(why: string, cause?: unknown): HeddleError {
  return new HeddleError('token-invalid', `The access token is not accepted: ${why}.`, { cause });
}
