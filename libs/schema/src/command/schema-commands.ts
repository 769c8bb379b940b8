import { parseArgs } from 'node:util';
import { checkCommand } from './check-command.js';
import { EXIT, type CommandArguments, type CommandIo, type SchemaCommand } from './command.js';
import { diffCommand } from './diff-command.js';
import { pullCommand } from './pull-command.js';
import { pushCommand } from './push-command.js';
import { typesCommand } from './types-command.js';

/** What `heddle schema …` and `npm run schemas -- …` can do. */
export const schemaCommands: readonly SchemaCommand[] = [
  checkCommand,
  diffCommand,
  pushCommand,
  pullCommand,
  typesCommand,
];

const EXIT_CODES = `exit codes: ${EXIT.ok} fine, ${EXIT.refused} not compatible or not up to date, ${EXIT.usage} wrong usage, ${EXIT.registryUnavailable} the registry does not answer, ${EXIT.schemaInvalid} a schema file breaks a rule, ${EXIT.failed} anything else`;

/**
 * Runs a command as a command line names it (`['check', '--mode', 'FULL']`), for whoever has no parser of its own.
 * Resolves to the exit code.
 *
 * @param program what stands in front of it in help: `npm run schemas --`
 */
export async function runSchemaCommand(argv: readonly string[], io: CommandIo, program: string): Promise<number> {
  const [name, ...rest] = argv;
  const command = schemaCommands.find((each) => each.name === name);
  if (command === undefined) {
    const isAsked = name === undefined || name === 'help' || name === '--help';
    const say = isAsked ? io.out : io.err;
    for (const line of overview(program)) say(line);
    return isAsked ? EXIT.ok : EXIT.usage;
  }
  let args: CommandArguments;
  try {
    const options = Object.entries(command.options).map(([option, { type }]) => [option, { type }] as const);
    args = parseArgs({
      args: rest,
      options: { ...Object.fromEntries(options), help: { type: 'boolean' } },
      allowPositionals: false,
    }).values as CommandArguments;
  } catch (error) {
    io.err(error instanceof Error ? error.message : String(error));
    for (const line of helpOf(command, program)) io.err(line);
    return EXIT.usage;
  }
  if (args['help'] !== true) return command.run(args, io);
  for (const line of helpOf(command, program)) io.out(line);
  return EXIT.ok;
}

function overview(program: string): string[] {
  const width = Math.max(...schemaCommands.map(({ name }) => name.length));
  return [...schemaCommands.map(({ name, summary }) => `${program} ${name.padEnd(width)}  ${summary}`), '', EXIT_CODES];
}

function helpOf({ name, summary, options, examples }: SchemaCommand, program: string): string[] {
  const flags = Object.entries(options).map(([option, { value, about }]) => {
    const flag = value === undefined ? `--${option}` : `--${option} ${value}`;
    return [flag, about] as const;
  });
  const width = Math.max(...flags.map(([flag]) => flag.length));
  return [
    `${program} ${name}: ${summary}`,
    '',
    ...flags.map(([flag, about]) => `  ${flag.padEnd(width)}  ${about}`),
    '',
    ...examples.map((example) => `  ${program} ${example}`),
    '',
    EXIT_CODES,
  ];
}
