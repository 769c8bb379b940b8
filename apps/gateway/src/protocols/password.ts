import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { DoorGuard } from '../identity/door-guard.js';

/** What a client says of who it is, where a protocol asks for a user and a password. */
export interface UserAndPassword {
  user: string;
  password: string;
}

/** Who may let in a client that brought no token with its connection. */
export type PasswordGuard = Pick<DoorGuard, 'identifyToken' | 'identifyCredentials'>;

/** Three parts with dots between them: an access token rather than a secret. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MAX_PASSWORD = 16 * 1024;

/**
 * By client id and secret, or by an access token as the password, whatever the user is then.
 *
 * @throws HeddleError `token-invalid`
 */
export async function identifyPassword(guard: PasswordGuard, { user, password }: UserAndPassword): Promise<Caller> {
  if (password.length > MAX_PASSWORD) {
    throw new HeddleError('token-invalid', 'No access token, and no secret, is as long as this password.');
  }
  return TOKEN.test(password) ? guard.identifyToken(password) : guard.identifyCredentials(user, password);
}
