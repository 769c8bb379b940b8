import { HeddleError, type ErrorCode } from '@heddle/event';

/** What a command ends with. */
export const EXIT = {
  ok: 0,
  /** Schemas are not compatible, or files are not up to date. */
  refused: 1,
  usage: 2,
  registryUnavailable: 3,
  schemaInvalid: 4,
  failed: 5,
} as const;

/** What a command has of the world: it writes nowhere else and reads no environment of its own. */
export interface CommandIo {
  /** A line of the result. */
  out(line: string): void;
  /** A line for people: progress and errors. */
  err(line: string): void;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether lines may be coloured. */
  colour: boolean;
  /** The gateway that is asked who reads a type, unless an option names another. */
  gateway?: { url: string; token?: () => string | Promise<string> } | undefined;
}

/** An option of a command, as `parseArgs` of Node takes it, and how help shows it. */
export interface CommandOption {
  type: 'string' | 'boolean';
  about: string;
  /** How its value is called in help: `URL`. */
  value?: string;
}

/** What a command line gave, by the long names of options. */
export type CommandArguments = Readonly<Record<string, string | boolean | undefined>>;

/** A command as a command line mounts it: options by their long name, as `parseArgs` of Node takes and gives them. */
export interface SchemaCommand {
  name: string;
  summary: string;
  options: Readonly<Record<string, CommandOption>>;
  examples: readonly string[];
  /** Resolves to the exit code; what goes wrong is said on `err`, or as asked for by `--format`. */
  run(args: CommandArguments, io: CommandIo): Promise<number>;
}

const EXIT_OF: Partial<Record<ErrorCode, number>> = {
  'schema-incompatible': EXIT.refused,
  'parameter-invalid': EXIT.usage,
  'registry-unavailable': EXIT.registryUnavailable,
  'schema-invalid': EXIT.schemaInvalid,
  'data-invalid': EXIT.schemaInvalid,
};

const ELSEWHERE = ' Where it is, --registry or SCHEMA_REGISTRY_URL says.';

/** A command whose errors are exit codes. */
export function schemaCommand(definition: SchemaCommand): SchemaCommand {
  return {
    ...definition,
    async run(args, io) {
      try {
        return await definition.run(args, io);
      } catch (error) {
        const isKnown = error instanceof HeddleError;
        const hint = isKnown && error.code === 'registry-unavailable' ? ELSEWHERE : '';
        const text = textOf(error) + hint;
        if (args['format'] === 'github') io.out(annotation(text, String(args['dir'] ?? 'schemas')));
        io.err(isKnown ? `${error.code}: ${text}` : text);
        return (isKnown ? EXIT_OF[error.code] : undefined) ?? EXIT.failed;
      }
    },
  };
}

/** An error with what lies beneath it: that a registry does not answer is half of what there is to know. */
function textOf(error: unknown): string {
  const parts: string[] = [];
  for (let each = error; each instanceof Error && parts.length < 4; each = each.cause)
    if (!parts.some((part) => part.includes(each.message))) parts.push(each.message);
  const [first = String(error), ...causes] = parts;
  return causes.length === 0 ? first : `${first} (${causes.join(': ')})`;
}

/** An error about a file begins with the file. */
function annotation(text: string, dir: string): string {
  const file = /^(\S+\.avsc): /.exec(text)?.[1];
  return `::error${file === undefined ? '' : ` file=${escaped(`${dir}/${file}`)}`}::${escapedText(text)}`;
}

/** As workflow commands want their text to be. */
export function escapedText(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** As workflow commands want the values of their properties to be. */
export function escaped(text: string): string {
  return escapedText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
