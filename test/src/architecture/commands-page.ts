import { markdown } from './markdown.js';
import { path } from './tree.js';

interface OptionShape {
  type: string;
  short?: string;
  value?: string;
  about: string;
  choices?: readonly string[];
  many?: true;
}

interface CommandShape {
  name: string;
  summary: string;
  description?: string;
  args?: readonly { name: string; about: string; choices?: readonly string[] }[];
  json?: string;
  examples: readonly { line: string; about: string }[];
}

interface EntryShape {
  name: string;
  summary: string;
}

/** The sources of the command line, as far as the page is made from them. */
interface Sources {
  list: {
    commands: readonly EntryShape[];
    commandsOf(entry: EntryShape): Promise<{ words: readonly string[]; command: CommandShape }[]>;
  };
  line: { optionsOf(command: CommandShape): Record<string, OptionShape>; COMMON: Record<string, unknown> };
  help: {
    usageOf(command: CommandShape, words: string): string;
    optionText(name: string, option: OptionShape): string;
    aboutOption(option: OptionShape): string;
    aboutArgument(argument: { about: string; choices?: readonly string[] }): string;
  };
  exit: { EXIT: Record<string, { code: number; about: string }> };
}

/** `docs/reference/commands.md` */
export async function commandsPage(): Promise<string> {
  const sources = await load();
  const { list, exit } = sources;
  const all = (await Promise.all(list.commands.map(list.commandsOf))).flat();
  const codes = Object.values(exit.EXIT).map(({ code, about }) => `| ${code} | ${about} |`);
  const overview = list.commands.map(({ name, summary }) => `| \`heddle ${name}\` | ${summary} |`);
  return markdown(`# Commands

All commands of \`heddle\`, as \`heddle help\` shows them. How they are used together: [the guide](../guides/command-line.md).

This page is made from the definitions of the commands (\`npm run docs\`).

| command | what it does |
| --- | --- |
${overview.join('\n')}

## Exit codes

| code | meaning |
| --- | --- |
${codes.join('\n')}

## JSON

\`--json\`, or \`--output json\`, writes one value; commands that go on write a value on each line. Fields may be added, and
what is there stays. An error is one line on the standard error:
\`{"error": {"code", "detail", "retryable", "field", "errors": [{"field", "rule"}]}}\`, with the codes of [errors](errors.md).

${all.map(({ words, command }) => section(words.join(' '), command, sources)).join('\n')}`);
}

function section(words: string, command: CommandShape, { line, help }: Sources): string {
  const { summary, description, args = [], json, examples } = command;
  const own = Object.entries(line.optionsOf(command)).filter(([name]) => !(name in line.COMMON) || name === 'output');
  const rows = [
    ...args.map((argument) => [argument.name, help.aboutArgument(argument)]),
    ...own.map(([name, option]) => [help.optionText(name, option), help.aboutOption(option)]),
  ];
  return `## heddle ${words}

\`heddle ${help.usageOf(command, words)} [OPTIONS]\`: ${summary}.

${(description ?? '').split('\n').map(escaped).join('\n')}

| | |
| --- | --- |
${rows.map(([name = '', about = '']) => `| \`${name.replaceAll('|', '\\|')}\` | ${escaped(about)} |`).join('\n')}

${json === undefined ? '' : `\`--json\` writes ${jsonText(json)}.`}

\`\`\`sh
${examples.map(({ line: text, about }) => `# ${about}\n${text}`).join('\n\n')}
\`\`\`
`;
}

/** What is JSON in it is code: from a bracket to the one that closes it. */
function jsonText(text: string): string {
  let result = '';
  let depth = 0;
  for (const character of text) {
    if ('[{'.includes(character) && (depth += 1) === 1) result += '`';
    result += character;
    if (']}'.includes(character) && (depth -= 1) === 0) result += '`';
  }
  return result;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}

async function load(): Promise<Sources> {
  const source = (file: string): Promise<unknown> => import(path('apps/cli/src', file));
  const [list, entry, line, help, exit] = await Promise.all([
    source('commands.ts'),
    source('entry.ts'),
    source('command-line.ts'),
    source('help.ts'),
    source('exit-codes.ts'),
  ]);
  return { list: { ...(list as object), ...(entry as object) }, line, help, exit } as Sources;
}
