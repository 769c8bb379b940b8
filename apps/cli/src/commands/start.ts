import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HeddleError } from '@heddle/event';
import { defineCommand } from '../command.js';

/** What `npm start` runs, from the sources and from what they are compiled to alike. */
const LAUNCHER = fileURLToPath(new URL('../../../../infra/start.mjs', import.meta.url));

export const start = defineCommand({
  name: 'start',
  summary: 'start the whole mesh on this machine, as npm start does',
  description:
    'Broker, registry, database, services and gateway, from the checkout that this command is in. Ctrl-C stops all in order and keeps the data.',
  options: {
    fresh: { type: 'flag', about: 'delete what earlier starts have stored, and begin with nothing' },
    demo: { type: 'flag', about: 'keep changing objects, so that there is something to watch' },
  },
  formats: ['table'],
  examples: [
    { line: 'heddle start', about: 'start it' },
    { line: 'heddle start --fresh --demo', about: 'begin anew, with objects that keep changing' },
  ],
  async run({ options, signal }) {
    if (!existsSync(LAUNCHER)) {
      throw new HeddleError('command-invalid', `Only a checkout can be started, and there is none at ${LAUNCHER}.`);
    }
    const flags = [...(options.fresh ? ['--fresh'] : []), ...(options.demo ? ['--demo'] : [])];
    const child = spawn(process.execPath, [LAUNCHER, ...flags], {
      // By the channel it notices when this process is killed, and stops by itself.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    // A Ctrl-C in a terminal reaches it by itself; it takes a second signal at the same time for the same one.
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
    return new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  },
});
