import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

const SUFFIX = '.log';
const PREVIOUS = '.previous.log';

/** Puts the logs of the last run aside, so that a log speaks of one run and none grows for ever. */
export async function keepPreviousLogs(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(SUFFIX) || name.endsWith(PREVIOUS)) continue;
    await rename(join(dir, name), join(dir, name.slice(0, -SUFFIX.length) + PREVIOUS));
  }
}
