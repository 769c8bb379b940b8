import { whoAsks } from './context/who-asks.js';
import { tokensOf } from './context/tokens.js';
import type { Command, Invocation, Option } from './command.js';
import type { Terminal } from './terminal.js';

/** A command that a library brings: it knows nothing of this command line, and is known here by its shape alone. */
export interface LibraryCommand {
  name: string;
  summary: string;
  options: Readonly<Record<string, { type: 'string' | 'boolean'; about: string; value?: string }>>;
  /** What stands behind the name of the group. */
  examples: readonly string[];
  /** Resolves to the exit code. */
  run(args: Readonly<Record<string, string | boolean | undefined>>, io: LibraryIo): Promise<number>;
}

/** What such a command has of the world. */
export interface LibraryIo {
  out(line: string): void;
  err(line: string): void;
  env: Readonly<Record<string, string | undefined>>;
  colour: boolean;
  /** The gateway of whoever asks, where somebody does. */
  gateway?: { url: string; token: () => Promise<string> };
}

/**
 * Commands of a library as a group of this command line: with help, completion and a place in the reference as all have
 * them. Where they know a `--format`, `--json` is its `json`.
 */
export function mounted(group: string, commands: readonly LibraryCommand[], description?: string): readonly Command[] {
  return commands.map((command) => ({
    name: command.name,
    summary: command.summary,
    ...(description === undefined ? {} : { description }),
    options: Object.fromEntries(Object.entries(command.options).map(([name, option]) => [name, optionOf(option)])),
    formats: 'format' in command.options ? ['table', 'json'] : ['table'],
    examples: command.examples.map((line) => ({ line: `heddle ${group} ${line}`, about: command.summary })),
    run: (invocation) => command.run(argumentsOf(command, invocation), ioOf(invocation)),
  }));
}

function optionOf({ type, about, value }: LibraryCommand['options'][string]): Option {
  return { type: type === 'boolean' ? 'flag' : 'text', about, ...(value === undefined ? {} : { value }) };
}

function argumentsOf({ options }: LibraryCommand, invocation: Invocation): Record<string, string | boolean> {
  const all: [string, unknown][] = Object.entries(invocation.options);
  const given = all.filter((entry): entry is [string, string | true] => {
    return typeof entry[1] === 'string' || entry[1] === true;
  });
  const asJson = invocation.output.format === 'json' && 'format' in options;
  return { ...(asJson ? { format: 'json' } : {}), ...Object.fromEntries(given) };
}

function ioOf({ terminal, context }: Invocation): LibraryIo {
  const { environment, hasColours } = terminal;
  const gateway = gatewayOf(terminal, context);
  return {
    out: terminal.out,
    err: terminal.say,
    env: environment.variables,
    colour: hasColours,
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** None where nobody is known: such commands do without it then. */
function gatewayOf({ environment }: Terminal, context: string | undefined): LibraryIo['gateway'] {
  const { gateway, credentials } = whoAsks(environment, context);
  if (credentials.kind === 'none') return undefined;
  const tokens = tokensOf(credentials);
  return { url: gateway, token: () => tokens.token() };
}
