import { parseArgs } from 'node:util';
import type { HeddleError } from '@heddle/event';
import type { Command, Option, Options } from './command.js';
import type { Format } from './output/output.js';
import { meant, wrongLine } from './wrong-line.js';

/** What every command understands. */
export const COMMON = {
  output: { type: 'text', short: 'o', value: 'FORMAT', about: 'how the result is written' },
  json: { type: 'flag', about: 'the same as --output json' },
  context: {
    type: 'text',
    value: 'NAME',
    about: 'the context to use, in place of the current one',
    completes: 'context',
  },
  help: { type: 'flag', short: 'h', about: 'this help' },
} as const satisfies Options;

const FORMATS: readonly Format[] = ['table', 'json', 'yaml'];

/** A command line as it was meant. */
export interface ParsedLine {
  options: Record<string, unknown>;
  args: string[];
  format: Format;
  context: string | undefined;
  help: boolean;
}

/** How a command may write its result; the first is what it does when nothing is said. */
function formatsOf({ formats = FORMATS }: Pick<Command, 'formats'>): readonly Format[] {
  return formats;
}

/** All options of a command: its own, and those of every command. */
export function optionsOf(command: Command): Options {
  const output = { ...COMMON.output, choices: formatsOf(command) };
  return { ...command.options, ...COMMON, output };
}

/** Reads what stands behind a command. @throws HeddleError `command-invalid`, naming what is near where a word is wrong */
export function parseLine(command: Command, argv: readonly string[], words: string): ParsedLine {
  const options = optionsOf(command);
  const values = valuesOf(argv, options, words);
  const help = values.options['help'] === true;
  if (!help) checkArguments(command, values.args, words);
  const { output, json, context, help: _, ...own } = values.options;
  return {
    options: own,
    args: values.args,
    format: json === true ? 'json' : ((output as Format | undefined) ?? formatsOf(command)[0] ?? 'table'),
    context: context as string | undefined,
    help,
  };
}

function valuesOf(
  argv: readonly string[],
  options: Options,
  words: string,
): { options: Record<string, unknown>; args: string[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, declared(option)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    if (option.many) values[name] = [];
    else if (option.type === 'flag') values[name] = false;
  }
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (option === undefined) throw unknownOption(token.rawName, options, words);
    const value = valueOf(option, token.rawName, token.value);
    if (option.many) (values[token.name] as unknown[]).push(value);
    else values[token.name] = value;
  }
  return { options: values, args };
}

function declared({ type, short }: Option): { type: 'string' | 'boolean'; short?: string } {
  return { type: type === 'flag' ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) };
}

function valueOf(option: Option, rawName: string, value: string | undefined): unknown {
  if (option.type === 'flag') {
    if (value !== undefined) throw wrongLine(`${rawName} has no value: it is there, or it is not.`, rawName);
    return true;
  }
  if (value === undefined) throw wrongLine(`${rawName} needs a value: ${rawName} ${option.value ?? 'VALUE'}.`, rawName);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw wrongLine(`${rawName} is one of ${option.choices.join(', ')}, not ${value}.${meant(value, option.choices)}`);
  }
  if (option.type === 'text') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw wrongLine(`${rawName} must be a number, not ${value}.`, rawName);
  }
  return number;
}

function checkArguments({ args: wanted = [] }: Command, args: readonly string[], words: string): void {
  const least = wanted.filter(({ optional }) => optional !== true).length;
  const takesMany = wanted.at(-1)?.many === true;
  if (args.length < least)
    throw wrongLine(`${wanted[args.length]?.name ?? ''} is missing: see heddle ${words} --help.`);
  if (args.length > wanted.length && !takesMany) {
    throw wrongLine(`${args[wanted.length] ?? ''} is too much: see heddle ${words} --help.`);
  }
  args.forEach((value, index) => {
    const { choices, name } = wanted[Math.min(index, wanted.length - 1)] ?? { name: '' };
    if (choices === undefined || choices.includes(value)) return;
    throw wrongLine(`${name} is one of ${choices.join(', ')}, not ${value}.${meant(value, choices)}`);
  });
}

function unknownOption(rawName: string, options: Options, words: string): HeddleError {
  const names = Object.keys(options).map((name) => `--${name}`);
  const hint = meant(rawName, names);
  return wrongLine(`${words} has no option ${rawName}.${hint || ` See heddle ${words} --help.`}`, rawName);
}
