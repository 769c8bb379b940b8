import { chown } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { answers } from './java.mjs';

const IS_ROOT = userInfo().uid === 0;

/** Of those that are there, the first: PostgreSQL wants a user that the system has a name for. */
const CANDIDATES = ['postgres', 'nobody'];

/** Gives a file or directory to the user that the database runs as, where that is not the user of this process. */
export async function ownedByDatabaseUser(...paths: readonly string[]): Promise<void> {
  if (!IS_ROOT) return;
  const { uid, gid } = databaseUser();
  for (const path of paths) await chown(path, uid, gid);
}

/**
 * How to run a program that refuses to run as root. As another user it could not reach a directory below, say, `/root`:
 * it keeps the one right of root that lets it (CAP_DAC_OVERRIDE), and no other.
 */
export async function withoutRoot(command: string, args: readonly string[]): Promise<[string, string[]]> {
  if (!IS_ROOT) return [command, [...args]];
  const { uid, gid } = databaseUser();
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  // Without the secure bit the right would not count in access(2), by which PostgreSQL looks for its own programs.
  const rights = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'];
  const reach = [...rights, '--securebits=+no_setuid_fixup'];
  const options = (await answers('setpriv', [...user, ...reach, 'true'])) ? [...user, ...reach] : user;
  return ['setpriv', [...options, command, ...args]];
}

function databaseUser(): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of CANDIDATES) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}
