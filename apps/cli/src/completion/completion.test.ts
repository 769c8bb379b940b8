import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { newFolder, runHeddle } from '../cli-trial.js';
import { commands } from '../commands.js';
import { commandsOf } from '../entry.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

let folder: string;

beforeAll(async () => {
  folder = newFolder();
  for (const shell of SHELLS) {
    const { code, out } = await runHeddle(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(join(folder, shell), `${out}\n`);
  }
});

describe('the completion', () => {
  it.each(SHELLS)(
    'of %s is a script that this shell reads, where there is one; and names every command and option',
    async (shell) => {
      const { out } = await runHeddle(['completion', shell]);
      for (const { words, command } of (await Promise.all(commands.map(commandsOf))).flat()) {
        expect(out).toContain(words.join(' '));
        for (const option of Object.keys(command.options ?? {})) expect(out).toContain(option);
      }
      // Only bash is everywhere.
      const { error, status, stderr } = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
      if (error === undefined || shell === 'bash')
        expect({ error, status, stderr }).toEqual({ error: undefined, status: 0, stderr: '' });
    },
  );

  it.each([
    [['heddle', 'pub'], ['publish']],
    [
      ['heddle', 'queue', ''],
      ['get', 'apply', 'diff', 'export', 'delete'],
    ],
    [['heddle', 'queue', 'ex'], ['export']],
    [['heddle', 'tail', '--fr'], ['--from']],
    [
      ['heddle', 'dlq', 'list', '--state', ''],
      ['open', 'redriven'],
    ],
    [['heddle', 'tail', '-o', 'j'], ['json']],
    [['heddle', 'completion', 'f'], ['fish']],
    [['heddle', 'help', 'doc'], ['doctor']],
  ])('of bash offers for %j: %j', (words, offered) => {
    expect(completed(words)).toEqual(offered);
  });

  it('of bash asks heddle for names, and offers what it answers', () => {
    const program = join(folder, 'heddle');
    writeFileSync(program, '#!/bin/sh\n[ "$*" = "completion names queue" ] && printf "orders\\nother\\n"\n', {
      mode: 0o755,
    });
    expect(completed(['heddle', 'queue', 'get', 'or'], `PATH=${folder}:$PATH; `)).toEqual(['orders']);
    expect(completed(['heddle', 'listen', '--queue', ''], `PATH=${folder}:$PATH; `)).toEqual(['orders', 'other']);
  });
});

function completed(words: readonly string[], before = ''): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const script = `${before}source ${join(folder, 'bash')}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _heddle; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');
}
