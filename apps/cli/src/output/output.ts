import { styleText } from 'node:util';
import type { Terminal } from '../terminal.js';

/** How a command may write its result. */
export type Format = 'table' | 'json' | 'yaml' | 'raw';

type Style = Parameters<typeof styleText>[0];

/** Writes results: the same value as text for people, or as JSON or YAML for programs. */
export class Output {
  #lines = 0;

  constructor(
    readonly format: Format,
    private readonly terminal: Terminal,
  ) {}

  /** Whether a program reads the result. */
  get isForPrograms(): boolean {
    return this.format === 'json' || this.format === 'yaml';
  }

  /** The one result of a command. */
  async show(value: unknown, text: () => string | readonly string[]): Promise<void> {
    if (this.format === 'json') return this.terminal.out(JSON.stringify(value, undefined, 2));
    if (this.format === 'yaml') return this.terminal.out((await yaml(value)).trimEnd());
    const lines = text();
    for (const line of typeof lines === 'string' ? [lines] : lines) this.terminal.out(line);
  }

  /** One of many results, written as it comes: a line of JSON, a document of YAML, or text. */
  async line(value: unknown, text: () => string): Promise<void> {
    this.#lines += 1;
    if (this.format === 'json') return this.terminal.out(JSON.stringify(value));
    if (this.format === 'yaml')
      return this.terminal.out(`${this.#lines > 1 ? '---\n' : ''}${(await yaml(value)).trimEnd()}`);
    this.terminal.out(text());
  }

  /** For the person who looks on, beside the result; programs are not told. */
  note(text: string): void {
    if (!this.isForPrograms) this.terminal.say(text);
  }

  /** Text in colour, where there are colours. */
  paint(style: Style, text: string): string {
    return this.terminal.hasColours ? styleText(style, text, { validateStream: false }) : text;
  }
}

async function yaml(value: unknown): Promise<string> {
  const { writeYaml } = await import('./yaml.js');
  return writeYaml(value);
}
