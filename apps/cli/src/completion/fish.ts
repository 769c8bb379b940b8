import { type CommandWords, type OptionWords, type Words, namesCommand } from './words.js';

/** The completion of fish. */
export function fishScript({ entries, commands }: Words): string {
  const groups = entries.filter(({ isGroup }) => isGroup);
  return `# The completion of heddle for fish: heddle completion fish > ~/.config/fish/completions/heddle.fish
function __heddle_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l wanted (string split ' ' -- $argv[1])
    test (count $words) -ge (count $wanted); or return 1
    for index in (seq (count $wanted))
        test "$words[$index]" = "$wanted[$index]"; or return 1
    end
end
function __heddle_in_group
    set -l words (commandline -opc)
    test (count $words) -eq 2; and test "$words[2]" = "$argv[1]"
end
complete -c heddle -f
${entries.map(({ name, summary }) => line('__fish_use_subcommand', ['-a', name, '-d', quotedFish(summary)])).join('\n')}
${line('__fish_use_subcommand', ['-a', 'help', '-d', quotedFish('help of a command')])}
${line('__heddle_in_group help', ['-a', quotedFish(entries.map(({ name }) => name).join(' '))])}
${groups.flatMap(({ name }) => members(name, commands)).join('\n')}
${commands.flatMap(commandLines).join('\n')}
`;
}

function members(group: string, commands: readonly CommandWords[]): string[] {
  return commands
    .filter(({ words }) => words.startsWith(`${group} `))
    .map(({ words, summary }) =>
      line(`__heddle_in_group ${group}`, ['-a', words.slice(group.length + 1), '-d', quotedFish(summary)]),
    );
}

function commandLines({ words, options, choices, completes }: CommandWords): string[] {
  const at = `__heddle_at ${quotedFish(words)}`;
  const values = valuesOf({ choices, completes });
  return [
    ...options.map((option) => line(at, optionParts(option))),
    ...(values.length === 0 ? [] : [line(at, values)]),
  ];
}

function optionParts(option: OptionWords): string[] {
  const { name, short, about, takesValue, completes } = option;
  // A value that is only required (-r) may be a file, too.
  const value = completes === 'file' ? '-r' : '-x';
  return [
    '-l',
    name,
    ...(short === undefined ? [] : ['-s', short]),
    '-d',
    quotedFish(about),
    ...(takesValue ? [value, ...valuesOf(option)] : []),
  ];
}

function valuesOf({ choices, completes }: Pick<OptionWords, 'choices' | 'completes'>): string[] {
  if (choices.length > 0) return ['-a', quotedFish(choices.join(' '))];
  if (completes === 'file') return ['-F'];
  return completes === undefined ? [] : ['-a', quotedFish(`(${namesCommand(completes)})`)];
}

function line(condition: string, parts: readonly string[]): string {
  return ['complete -c heddle', '-n', quotedFish(condition), ...parts].join(' ');
}

function quotedFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
