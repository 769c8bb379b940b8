import type { HeddleError } from '@heddle/event';
import type { Command, Entry, Invocation } from './command.js';
import { type ParsedLine, parseLine } from './command-line.js';
import { meant, wrongLine } from './wrong-line.js';
import { commands } from './commands.js';
import { isGroup } from './entry.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/**
 * Runs a command line.
 *
 * @param argv what stands behind `heddle`
 * @param signal aborted when whoever started it wants it to end in order
 * @returns the exit code
 */
export async function heddle(argv: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  let asJson = argv.includes('--json');
  try {
    const found = await find(argv, terminal);
    if (typeof found === 'number') return found;
    const { command, words, rest } = found;
    const line = parseLine(command, rest, words);
    asJson = line.format === 'json';
    if (line.help) {
      const { commandHelp } = await import('./help.js');
      terminal.out(commandHelp(command, words));
      return EXIT.ok.code;
    }
    return (await command.run(await invocationOf(line, terminal, signal))) ?? EXIT.ok.code;
  } catch (error) {
    if (signal.aborted && isAbort(error)) return EXIT.interrupted.code;
    await report(error, asJson, terminal);
    return exitCodeOf(error);
  }
}

interface Found {
  command: Command;
  /** How it is called: `dlq list`. */
  words: string;
  rest: readonly string[];
}

/** The command that is meant; a number when that was all: help or version. */
async function find(argv: readonly string[], terminal: Terminal): Promise<Found | number> {
  const [word, ...rest] = argv;
  if (word === '--version' || word === '-V') {
    const { version } = await import('./version.js');
    terminal.out(version());
    return EXIT.ok.code;
  }
  if (word === undefined || word === '--help' || word === '-h') return showHelp([], terminal, word === undefined);
  if (word === 'help') return showHelp(rest, terminal, false);
  const entry = entryOf(word);
  const loaded = await entry.load();
  if (!isGroup(loaded)) return { command: loaded, words: word, rest };
  const [second, ...further] = rest;
  if (second === undefined || second === '--help' || second === '-h') {
    return showHelp([word], terminal, second === undefined);
  }
  return { command: commandOf(loaded, second, word), words: `${word} ${second}`, rest: further };
}

/** Help that was asked for is a result; help in place of a command is not. */
async function showHelp(words: readonly string[], terminal: Terminal, isInstead: boolean): Promise<number> {
  const [word, second] = words;
  const { commandHelp, groupHelp, overview } = await import('./help.js');
  const show = isInstead ? terminal.say : terminal.out;
  if (word === undefined) {
    show(overview(commands));
  } else {
    const entry = entryOf(word);
    const loaded = await entry.load();
    if (!isGroup(loaded)) show(commandHelp(loaded, word));
    else if (second === undefined) show(groupHelp(entry, loaded));
    else show(commandHelp(commandOf(loaded, second, word), `${word} ${second}`));
  }
  return isInstead ? EXIT.usage.code : EXIT.ok.code;
}

function entryOf(word: string): Entry {
  const entry = commands.find(({ name }) => name === word);
  if (entry !== undefined) return entry;
  const names = [...commands.map(({ name }) => name), 'help'];
  throw wrongLine(`There is no command ${word}.${meant(word, names) || ' heddle help lists them.'}`, word);
}

function commandOf(group: readonly Command[], word: string, first: string): Command {
  const command = group.find(({ name }) => name === word);
  if (command !== undefined) return command;
  const names = group.map(({ name }) => name);
  throw wrongLine(
    `heddle ${first} has no command ${word}.${meant(word, names) || ` There are ${names.join(', ')}.`}`,
    word,
  );
}

async function invocationOf(line: ParsedLine, terminal: Terminal, signal: AbortSignal): Promise<Invocation> {
  const { Output } = await import('./output/output.js');
  const { options, args, format, context } = line;
  let gateway: ReturnType<Invocation['gateway']> | undefined;
  return {
    options: options as Invocation['options'],
    args,
    terminal,
    output: new Output(format, terminal),
    signal,
    commands,
    context,
    gateway: () => (gateway ??= openGateway(terminal, context, signal)),
  };
}

async function openGateway(
  { environment }: Terminal,
  context: string | undefined,
  signal: AbortSignal,
): ReturnType<Invocation['gateway']> {
  const [{ whoAsks }, { Gateway }] = await Promise.all([import('./context/who-asks.js'), import('./gateway.js')]);
  return new Gateway(whoAsks(environment, context), signal);
}

async function report(error: unknown, asJson: boolean, terminal: Terminal): Promise<void> {
  const { troubleText } = await import('./output/trouble.js');
  terminal.say(troubleText(error as HeddleError, asJson, terminal.hasColours));
}

/** What was cut off because the person wanted it to end. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || isAbort(error.cause));
}
