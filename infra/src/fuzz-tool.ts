import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT } from './checkout.mjs';
import { LaunchError } from './launch-error.mjs';

const exec = promisify(execFile);

const SCHEMATHESIS = '4.32.5';
const FOLDER = join(CHECKOUT, '.heddle', 'python');
const HOME = join(FOLDER, `schemathesis-${SCHEMATHESIS}`);
const INSTALL_TIMEOUT_MS = 300_000;

/**
 * The program `st`, in a virtual environment of its own, made once per version. Nothing where this machine has no Python
 * with `venv` and `pip`.
 *
 * @throws LaunchError when pip cannot fetch it
 */
export async function fetchSchemathesis(): Promise<string | undefined> {
  const program = join(HOME, 'bin', 'st');
  if (existsSync(join(HOME, 'whole'))) return program;
  const [python] = (await Promise.all(['python3', 'python'].map(canMakeEnvironments))).filter(
    (one) => one !== undefined,
  );
  if (python === undefined) return undefined;
  // Where it will stay, for its paths are written into it; whole once the marker is there.
  await rm(HOME, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await exec(python, ['-m', 'venv', HOME]);
  const wanted = ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${SCHEMATHESIS}`];
  await exec(join(HOME, 'bin', 'pip'), wanted, { timeout: INSTALL_TIMEOUT_MS }).catch((cause: unknown) => {
    const { stderr = '' } = cause as { stderr?: string };
    throw new LaunchError(`pip could not fetch Schemathesis: ${stderr.trim().split('\n').at(-1) ?? ''}`, { cause });
  });
  await mkdir(join(HOME, 'whole'));
  return program;
}

async function canMakeEnvironments(command: string): Promise<string | undefined> {
  const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
  return exec(command, ['-c', check]).then(
    () => command,
    () => undefined,
  );
}
