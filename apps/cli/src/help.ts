import type { Argument, Command, Entry, Option } from './command.js';
import { COMMON, optionsOf } from './command-line.js';
import { EXIT } from './exit-codes.js';

const WIDTH = 100;

/** What `heddle help` shows: every command with its line. */
export function overview(entries: readonly Entry[]): string {
  return [
    'heddle – the command line of the mesh',
    '',
    'Usage: heddle COMMAND [ARGUMENTS] [OPTIONS]',
    '',
    'Commands:',
    ...pairs(entries.map(({ name, summary }) => [name, summary])),
    '',
    'heddle help COMMAND says more; heddle --version says which this is.',
    '',
    'Who asks, and whom: the environment (GATEWAY_URL, HEDDLE_TOKEN, HEDDLE_CLIENT_ID, HEDDLE_CLIENT_SECRET), else the',
    'context (heddle login), else what npm start has made in this folder.',
    '',
    'Exit codes:',
    ...pairs(Object.values(EXIT).map(({ code, about }) => [String(code), about])),
  ].join('\n');
}

/** What `heddle help GROUP` shows. */
export function groupHelp({ name, summary }: Entry, group: readonly Command[]): string {
  return [
    `heddle ${name} – ${summary}`,
    '',
    `Usage: heddle ${name} COMMAND [ARGUMENTS] [OPTIONS]`,
    '',
    'Commands:',
    ...pairs(group.map((command) => [usageOf(command, command.name), command.summary])),
    '',
    `heddle help ${name} COMMAND says more.`,
  ].join('\n');
}

/** What `heddle COMMAND --help` shows. */
export function commandHelp(command: Command, words: string): string {
  const { summary, description, args = [], json } = command;
  return [
    `heddle ${words} – ${summary}`,
    ...section('Usage:', [`  heddle ${usageOf(command, words)} [OPTIONS]`]),
    ...(description === undefined ? [] : ['', ...wrapped(description)]),
    ...section('Arguments:', pairs(args.map((argument) => [argument.name, aboutArgument(argument)]))),
    ...section('Options:', pairs(ownOptions(command))),
    ...section('Of every command:', pairs(commonOptions(command))),
    ...(json === undefined ? [] : section('--json writes:', wrapped(json, '  '))),
    ...section('Examples:', examplesOf(command)),
  ].join('\n');
}

/** `publish [TYPE]`, `trace ID|OBJECT [KEY]`, `listen TYPE=URL…` */
export function usageOf({ args = [] }: Command, words: string): string {
  const shown = args.map(({ name, optional, many }) => {
    const text = many ? `${name}…` : name;
    return optional ? `[${text}]` : text;
  });
  return [words, ...shown].join(' ');
}

/** `--from TIME`, `-o, --output FORMAT` */
export function optionText(name: string, { short, type, value = 'VALUE' }: Option): string {
  const letter = short === undefined ? '' : `-${short}, `;
  return `${letter}--${name}${type === 'flag' ? '' : ` ${value}`}`;
}

export function aboutOption({ about, choices, many }: Option): string {
  const words = choices === undefined ? '' : ` (${choices.join(', ')})`;
  return `${about}${words}${many ? '; may be given several times' : ''}`;
}

export function aboutArgument({ about, choices }: Argument): string {
  return choices === undefined ? about : `${about} (${choices.join(', ')})`;
}

function ownOptions({ options = {} }: Command): [string, string][] {
  return Object.entries(options).map(([name, option]) => [optionText(name, option), aboutOption(option)]);
}

function commonOptions(command: Command): [string, string][] {
  const all = optionsOf(command);
  return Object.keys(COMMON).flatMap((name): [string, string][] => {
    const option = all[name];
    return option === undefined ? [] : [[optionText(name, option), aboutOption(option)]];
  });
}

function examplesOf({ examples }: Command): string[] {
  return examples.flatMap(({ line, about }, index) => [...(index === 0 ? [] : ['']), `  # ${about}`, `  ${line}`]);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

/** Two columns, the second one broken where it is too long. */
function pairs(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const indent = ' '.repeat(width + 4);
    const [first = '', ...more] = wrapped(right, indent);
    if (left.length > width) return [`  ${left}`, first, ...more];
    return [`  ${left.padEnd(width)}  ${first.trimStart()}`, ...more];
  });
}

function wrapped(text: string, indent = ''): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && indent.length + line.length + word.length >= WIDTH) {
        lines.push(indent + line);
        line = '';
      }
      line += (line === '' ? '' : ' ') + word;
    }
    return [...lines, indent + line];
  });
}
