import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killLeftovers } from './leftovers.js';
import { spawnProcess } from './running.js';

test.runIf(process.platform === 'linux')(
  'a process that outlives its run is found by its temporary folder',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'heddle-leftovers-'));
    const stray = await spawnProcess({
      name: 'stray',
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      env: { ...process.env, TMPDIR: dir },
      logFile: join(dir, 'stray.log'),
    });
    expect(await killLeftovers(dir, 0)).toEqual([expect.stringContaining(`${stray.pid} `)]);
    expect((await stray.exited).signal).toBe('SIGKILL');
    expect(await killLeftovers(dir, 0)).toEqual([]);
    await rm(dir, { recursive: true, force: true });
  },
);
