import { expect, it } from 'vitest';
import { type LibraryCommand, mounted } from './mounted.js';
import { parseLine } from './command-line.js';
import { Output } from './output/output.js';
import { readEnvironment } from './settings.js';
import type { Invocation } from './command.js';
import { commandHelp } from './help.js';
import { newFolder } from './cli-trial.js';

const CHECK: LibraryCommand = {
  name: 'check',
  summary: 'hold files to their rules',
  options: {
    dir: { type: 'string', value: 'DIR', about: 'where they lie' },
    offline: { type: 'boolean', about: 'ask nobody' },
    format: { type: 'string', value: 'FORMAT', about: 'text, json or github' },
  },
  examples: ['check --dir schemas --offline', 'check --format github'],
  run: (args, io) => {
    io.out(JSON.stringify({ args, gateway: io.gateway?.url, registry: io.env['SCHEMA_REGISTRY_URL'] }));
    return Promise.resolve(4);
  },
};

it('commands of a library are a group like any other: their help, their options, their examples', () => {
  const [command] = mounted('schema', [CHECK], 'Ends with 4 where a file breaks a rule.');
  const help = commandHelp(command!, 'schema check');
  for (const text of ['--dir DIR', '--offline ', 'heddle schema check --format github', 'Ends with 4']) {
    expect(help).toContain(text);
  }
  for (const { line } of command!.examples) {
    expect(() => parseLine(command!, line.split(' ').slice(3), 'schema check')).not.toThrow();
  }
  expect(() => parseLine(command!, ['--ofline'], 'schema check')).toThrow('Did you mean --offline?');
});

it('they get what they are given, who asks, and --json as their format; their exit code is that of the command', async () => {
  expect(await run(['--dir', 'x', '--offline'])).toEqual([
    4,
    { args: { dir: 'x', offline: true }, gateway: 'http://gateway.example', registry: 'http://registry.example' },
  ]);
  expect(await run(['--json'])).toMatchObject([4, { args: { format: 'json' } }]);
  expect(await run(['--json'], {})).toEqual([4, { args: { format: 'json' } }]);
});

async function run(
  argv: readonly string[],
  variables: Record<string, string> = {
    GATEWAY_URL: 'http://gateway.example',
    HEDDLE_TOKEN: 't',
    SCHEMA_REGISTRY_URL: 'http://registry.example',
  },
): Promise<[unknown, unknown]> {
  const [command] = mounted('schema', [CHECK]);
  const lines: string[] = [];
  const environment = readEnvironment({
    XDG_CONFIG_HOME: newFolder(),
    GATEWAY_URL: 'http://nobody.example',
    ...variables,
  });
  const terminal = {
    out: (line: string) => void lines.push(line),
    say: () => undefined,
    isInteractive: false,
    hasColours: false,
    environment,
    input: () => Promise.resolve(''),
  };
  const { options, args, format, context } = parseLine(command!, argv, 'schema check');
  const invocation = {
    options,
    args,
    context,
    terminal,
    output: new Output(format, terminal),
  } as unknown as Invocation;
  return [await command!.run(invocation), JSON.parse(lines.join('')) as unknown];
}
