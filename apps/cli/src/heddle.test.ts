import { describe, expect, it } from 'vitest';
import { argvOf, runHeddle } from './cli-trial.js';
import { optionsOf, parseLine } from './command-line.js';
import { commands } from './commands.js';
import { commandsOf } from './entry.js';
import { EXIT } from './exit-codes.js';

const all = (await Promise.all(commands.map(commandsOf))).flat();

describe('every command', () => {
  it.each(all.map(({ words, command }) => [words.join(' '), command] as const))(
    '%s has examples, and each of them is a command line that it takes',
    (words, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { line } of command.examples) {
        const argv = argvOf(line);
        expect(argv.slice(0, words.split(' ').length).join(' ')).toBe(words);
        expect(() => parseLine(command, argv.slice(words.split(' ').length), words), line).not.toThrow();
      }
    },
  );

  it.each(all.map(({ words }) => [words.join(' ')]))(
    '%s shows its help, on the standard output, with code 0',
    async (words) => {
      const { code, out } = await runHeddle([...words.split(' '), '--help']);
      expect(code).toBe(EXIT.ok.code);
      expect(out).toContain(`heddle ${words} – `);
      expect(out).toContain('Examples:');
      expect(await runHeddle(['help', ...words.split(' ')])).toMatchObject({ code: 0, out });
    },
  );

  it('has options whose letters mean one thing', () => {
    const twice = all.filter(({ command }) => {
      const letters = Object.values(optionsOf(command)).flatMap(({ short }) => short ?? []);
      return new Set(letters).size < letters.length;
    });
    expect(twice.map(({ words }) => words.join(' '))).toEqual([]);
  });

  it('is called in a group as it is called itself', () => {
    expect(all.filter(({ words, command }) => words.at(-1) !== command.name)).toEqual([]);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['publsih'], 'Did you mean publish?'],
    [['queue', 'aply'], 'Did you mean apply?'],
    [['tail', '--form', 'now'], 'Did you mean --from?'],
    [['tail', '--output', 'jsn'], 'Did you mean json?'],
    [['help', 'doctr'], 'Did you mean doctor?'],
    [['trace'], 'ID|OBJECT is missing'],
    [['trace', 'a', 'b', 'c'], 'c is too much'],
    [['dlq', 'list', '--limit', 'many'], '--limit must be a number, not many'],
    [['tail', '--limit'], '--limit needs a value: --limit N'],
    [['publish', '--dry-run=yes'], '--dry-run has no value'],
    [['listen', 'http://localhost:3000'], 'is no pair: write TYPE=URL'],
    [['listen', 'sap.*=localhost'], 'localhost is no http or https URL'],
    [['replay', 'start', 'orders'], 'Say where it begins'],
    [['dlq', 'redrive'], 'Name letters by their ids'],
    [['tail', '--from', 'yesterday'], 'yesterday is no time'],
    [['tail', '--where', 'subject'], 'subject is no condition'],
    [['completion', 'tcsh'], 'is one of bash, zsh, fish'],
    [['doctor', '--service', 'orders'], '--service takes NAME=URL'],
  ])('%j ends with 2 and says what is wrong: %s', async (argv, text) => {
    const { code, out, said } = await runHeddle(argv, { HEDDLE_TOKEN: 'none' });
    expect(said).toContain(text);
    expect({ code, out }).toEqual({ code: EXIT.usage.code, out: '' });
  });

  it('is one JSON object for programs', async () => {
    const { code, said } = await runHeddle(['tail', '--limit', 'x', '--json']);
    expect(code).toBe(EXIT.usage.code);
    expect(JSON.parse(said)).toEqual({
      error: {
        code: 'command-invalid',
        detail: '--limit must be a number, not x.',
        retryable: false,
        field: '--limit',
      },
    });
  });

  it('without a command is answered with the help, and is no success', async () => {
    const { code, said } = await runHeddle([]);
    expect(code).toBe(EXIT.usage.code);
    for (const { name } of commands) expect(said).toContain(`  ${name} `);
    expect(await runHeddle(['queue'])).toMatchObject({ code: EXIT.usage.code, out: '' });
  });
});

it('says which version it is', async () => {
  expect(await runHeddle(['--version'])).toEqual({ code: 0, out: 'heddle 0.1.0', said: '' });
});

it('a gateway that is not there ends with 3 and says where its address comes from', async () => {
  const environment = { GATEWAY_URL: 'http://127.0.0.1:9', HEDDLE_TOKEN: 'any' };
  const { code, said } = await runHeddle(['queue', 'get'], environment);
  expect(code).toBe(EXIT.unreachable.code);
  expect(said).toContain('http://127.0.0.1:9 cannot be reached');
  expect(said).toContain('It comes from the environment.');
});

it('whoever is nobody ends with 4 and hears how to be somebody', async () => {
  const { code, said } = await runHeddle(['queue', 'get'], { GATEWAY_URL: 'http://gateway.example:8080' });
  expect(code).toBe(EXIT.denied.code);
  expect(said).toContain('heddle login');
});
