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

  describe.each(SHELLS)('of %s', (shell) => {
    // Only bash is everywhere.
    const isAbsent = shell !== 'bash' && spawnSync(shell, ['-c', 'true']).error !== undefined;

    it.skipIf(isAbsent).each([
      [['heddle', 'pub'], ['publish']],
      [
        ['heddle', 'queue', ''],
        ['apply', 'delete', 'diff', 'export', 'get'],
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
    ])('offers for %j: %j', (words, offered) => {
      expect(completed(shell, words)).toEqual(offered);
    });

    it.skipIf(isAbsent)('asks heddle for names, and offers what it answers', () => {
      const program = join(folder, 'heddle');
      writeFileSync(program, '#!/bin/sh\n[ "$*" = "completion names queue" ] && printf "orders\\nother\\n"\n', {
        mode: 0o755,
      });
      expect(completed(shell, ['heddle', 'queue', 'get', 'or'])).toEqual(['orders']);
      expect(completed(shell, ['heddle', 'listen', '--queue', ''])).toEqual(['orders', 'other']);
    });
  });
});

/** How each shell is made to complete words; the last of them is the one being written. */
const COMPLETING = {
  bash: (words: readonly string[]) =>
    `source ${join(folder, 'bash')}; COMP_WORDS=(${listed(words)}); COMP_CWORD=${words.length - 1}; _heddle; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // What completes outside of its line editor are two commands of its own, here printing what they are given.
  zsh: (words: readonly string[]) =>
    `compdef() { }; _describe() { print -l -- "\${(@P)2%%:*}"; }; compadd() { shift; print -l -- "$@"; }; _files() { print files; };` +
    `source ${join(folder, 'zsh')}; words=(${listed(words)}); CURRENT=${words.length}; _heddle`,
  fish: (words: readonly string[]) => `source ${join(folder, 'fish')}; complete -C '${words.join(' ')}'`,
};
const WITHOUT_SETTINGS = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] };

function listed(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

function completed(shell: (typeof SHELLS)[number], words: readonly string[]): string[] {
  const path = shell === 'fish' ? `set -x PATH ${folder} $PATH` : `PATH=${folder}:$PATH`;
  const script = `${path}; ${COMPLETING[shell](words)}`;
  const out = execFileSync(shell, [...WITHOUT_SETTINGS[shell], '-c', script], { encoding: 'utf8' });
  return (
    out
      .split('\n')
      .map((line) => line.split('\t', 1)[0] ?? '')
      // zsh takes the words that do not fit out by itself, in its line editor.
      .filter((line) => line !== '' && line.startsWith(words.at(-1) ?? ''))
      .toSorted()
  );
}
