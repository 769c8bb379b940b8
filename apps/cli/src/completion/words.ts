import type { Command, Completes, Entry, Option } from '../command.js';
import { optionsOf } from '../command-line.js';
import { commandsOf } from '../entry.js';

/** An option as a shell completes it. */
export interface OptionWords {
  name: string;
  short: string | undefined;
  about: string;
  takesValue: boolean;
  /** The only values, where there are such. */
  choices: readonly string[];
  completes: Completes | undefined;
}

/** What can stand behind the words of a command. */
export interface CommandWords {
  /** `dlq list` */
  words: string;
  summary: string;
  options: readonly OptionWords[];
  choices: readonly string[];
  completes: Completes | undefined;
}

/** What a shell has to know, from the definitions of all commands. */
export interface Words {
  entries: readonly { name: string; summary: string; isGroup: boolean }[];
  commands: readonly CommandWords[];
}

export async function wordsOf(entries: readonly Entry[]): Promise<Words> {
  const all = await Promise.all(entries.map(commandsOf));
  return {
    entries: entries.map(({ name, summary }, index) => ({
      name,
      summary,
      isGroup: (all[index]?.[0]?.words.length ?? 1) > 1,
    })),
    commands: all.flat().map(({ words, command }) => commandWords(words.join(' '), command)),
  };
}

function commandWords(words: string, command: Command): CommandWords {
  const argument = command.args?.find(({ choices, completes }) => choices !== undefined || completes !== undefined);
  return {
    words,
    summary: command.summary,
    options: Object.entries(optionsOf(command)).map(([name, option]) => optionWords(name, option)),
    choices: argument?.choices ?? [],
    completes: argument?.completes,
  };
}

function optionWords(name: string, { short, about, type, choices = [], completes }: Option): OptionWords {
  return { name, short, about, takesValue: type !== 'flag', choices, completes };
}

/** The names that a running gateway, or the file of contexts, has. */
export function namesCommand(completes: Completes): string {
  return `heddle completion names ${completes} 2>/dev/null`;
}

/** A text between single quotes of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
