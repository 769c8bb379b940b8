import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseLine } from './command-line.js';
import { argvOf } from './cli-trial.js';
import { commands } from './commands.js';
import { commandsOf } from './entry.js';
import { EXIT } from './exit-codes.js';

const GUIDE = readFileSync(new URL('../../../docs/guides/command-line.md', import.meta.url), 'utf8');

it('every line of the guide is a command line that heddle takes, and every command is in the guide', async () => {
  const all = (await Promise.all(commands.map(commandsOf))).flat();
  const lines = [...GUIDE.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const typed = lines.filter((line) => /^(?:source <\()?heddle /.test(line));
  expect(typed.length).toBeGreaterThan(25);
  const used = new Set<string>();
  for (const line of typed) {
    const argv = argvOf(line);
    const found = all.find(({ words }) => words.every((word, index) => argv[index] === word));
    expect(found, line).toBeDefined();
    used.add(argv[0] ?? '');
    expect(
      () => parseLine(found!.command, argv.slice(found!.words.length), found!.words.join(' ')),
      line,
    ).not.toThrow();
  }
  // `heddle start` is there in words.
  expect(commands.map(({ name }) => name).filter((name) => !used.has(name))).toEqual(['start']);
});

it('the exit codes of the guide are those there are', () => {
  const listed = /Exit codes:\n([\s\S]*?)\.\n/.exec(GUIDE)?.[1] ?? '';
  const codes = [...listed.matchAll(/(\d+) /g)].map(([, code]) => Number(code));
  expect(codes).toEqual(
    Object.values(EXIT)
      .map(({ code }) => code)
      .filter((code) => code < 100),
  );
});
