import { type Environment, readEnvironment } from './settings.js';

/** Where a command writes to and reads from: the terminal of the process, or what a test puts in its place. */
export interface Terminal {
  /** A line for whoever, or whatever, uses the result. */
  out(line: string): void;
  /** A line for the person who looks on: progress, hints, trouble. */
  say(line: string): void;
  /** Whether a person reads the result. */
  readonly isInteractive: boolean;
  readonly hasColours: boolean;
  readonly environment: Environment;
  /** All of the standard input. */
  input(): Promise<string>;
}

/** Colours only where a person looks, and does not mind (https://no-color.org). */
export function processTerminal({ stdout, stderr, stdin, env }: NodeJS.Process): Terminal {
  const environment = readEnvironment(env);
  const isInteractive = stdout.isTTY;
  return {
    out: (line) => void stdout.write(`${line}\n`),
    say: (line) => void stderr.write(`${line}\n`),
    isInteractive,
    hasColours: isInteractive && !environment.noColour && environment.terminalKind !== 'dumb',
    environment,
    input: async () => {
      let text = '';
      stdin.setEncoding('utf8');
      for await (const chunk of stdin) text += String(chunk);
      return text;
    },
  };
}
