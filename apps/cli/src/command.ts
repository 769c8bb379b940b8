import type { Gateway } from './gateway.js';
import type { Format, Output } from './output/output.js';
import type { Terminal } from './terminal.js';

/** What the shell can offer for a value, beside the words that are listed. */
export type Completes = 'file' | 'queue' | 'webhook' | 'channel' | 'client' | 'type' | 'context';

/** One option of a command. */
export interface Option {
  /** A flag is there or not; a number is checked before the command runs. */
  type: 'text' | 'number' | 'flag';
  /** May be given several times. */
  many?: true;
  /** One letter. */
  short?: string;
  /** How its value is called in the help: `TIME`. */
  value?: string;
  about: string;
  /** The only values there are. */
  choices?: readonly string[];
  completes?: Completes;
}

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { type: 'flag' }
  ? boolean
  : O extends { many: true }
    ? readonly string[]
    : O extends { type: 'number' }
      ? number | undefined
      : string | undefined;

export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** A value that has no name: what the command is about. */
export interface Argument {
  name: string;
  about: string;
  optional?: true;
  /** The last one may stand several times. */
  many?: true;
  choices?: readonly string[];
  completes?: Completes;
}

/** What a command gets to do its work. */
export interface Invocation<O extends Options = Options> {
  options: Values<O>;
  args: readonly string[];
  terminal: Terminal;
  output: Output;
  /** Aborted when the person or the system asks to end. */
  signal: AbortSignal;
  /** All commands there are. */
  commands: readonly Entry[];
  /** The name of `--context`. */
  context: string | undefined;
  /** The gateway with who asks, as the environment or the context says; the same each time. */
  gateway(): Promise<Gateway>;
}

/** A line to be typed, and what it does. */
export interface Example {
  line: string;
  about: string;
}

/** A command: its help, its completion and its page of the reference are made from this. */
export interface CommandOf<O extends Options> {
  name: string;
  /** One line, as a list shows it. */
  summary: string;
  /** Paragraphs of the help. */
  description?: string;
  args?: readonly Argument[];
  options?: O;
  /** `table`, `json` and `yaml` unless said otherwise. */
  formats?: readonly Format[];
  /** What `--json` writes, in words. */
  json?: string;
  examples: readonly Example[];
  /** @returns the exit code, where it is not 0 */
  run(invocation: Invocation<O>): Promise<number | void>;
}

export type Command = CommandOf<Options>;

/** A word after `heddle`: a command, or a group of them. What it is made of is loaded when it is used. */
export interface Entry {
  name: string;
  summary: string;
  load(): Promise<Command | readonly Command[]>;
}

/** Declares a command; the types of its values are inferred from its options. */
export function defineCommand<const O extends Options>(command: CommandOf<O>): Command {
  return command as unknown as Command;
}
