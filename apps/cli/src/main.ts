import { heddle } from './heddle.js';
import { processTerminal } from './terminal.js';

// What reads our lines may end before we do, as `heddle tail | head` does: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The first one asks to end in order; who says it again means it.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
}

const code = await heddle(process.argv.slice(2), processTerminal(process), interrupted.signal);
// Connections that are kept open for a next request would keep the process, too.
process.stdout.write('', () => process.exit(code));
