import { type CommandWords, type OptionWords, type Words, namesCommand, quoted } from './words.js';

/** The completion of bash (4 and later). */
export function bashScript({ entries, commands }: Words): string {
  const groups = entries.filter(({ isGroup }) => isGroup);
  return `# The completion of heddle for bash: source <(heddle completion bash)
_heddle() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="" words="" word index=1
  [ "$COMP_CWORD" -gt 0 ] && previous="\${COMP_WORDS[COMP_CWORD-1]}"
  while [ "$index" -lt "$COMP_CWORD" ]; do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) break ;; esac
    if [ -z "$words" ]; then
      words="$word"
      case "$words" in ${groups.map(({ name }) => name).join('|')}) ;; *) break ;; esac
    else
      words="$words $word"
      break
    fi
    index=$((index + 1))
  done
  COMPREPLY=()
  case "$words" in
    '') COMPREPLY=($(compgen -W ${quoted([...entries.map(({ name }) => name), 'help'].join(' '))} -- "$current")); return ;;
${groups.map((group) => groupCase(group.name, commands)).join('\n')}
  esac
  case "$words $previous" in
${commands.flatMap((command) => command.options.filter(({ takesValue }) => takesValue).map((option) => valueCase(command, option))).join('\n')}
  esac
  case "$current" in
    -*)
      case "$words" in
${commands.map(optionsCase).join('\n')}
      esac
      return ;;
  esac
  case "$words" in
${commands
  .filter(({ choices, completes }) => choices.length > 0 || completes !== undefined)
  .map(argumentCase)
  .join('\n')}
    help) COMPREPLY=($(compgen -W ${quoted(entries.map(({ name }) => name).join(' '))} -- "$current")) ;;
  esac
}
complete -F _heddle heddle
`;
}

function groupCase(name: string, commands: readonly CommandWords[]): string {
  const members = commands
    .filter(({ words }) => words.startsWith(`${name} `))
    .map(({ words }) => words.slice(name.length + 1));
  return `    ${name}) COMPREPLY=($(compgen -W ${quoted(members.join(' '))} -- "$current")); return ;;`;
}

function valueCase({ words }: CommandWords, option: OptionWords): string {
  const names = [`'${words} --${option.name}'`, ...(option.short === undefined ? [] : [`'${words} -${option.short}'`])];
  return `    ${names.join('|')}) ${replyOf(option)}; return ;;`;
}

function optionsCase({ words, options }: CommandWords): string {
  const names = options.map(({ name }) => `--${name}`).join(' ');
  return `        ${quoted(words)}) COMPREPLY=($(compgen -W ${quoted(names)} -- "$current")) ;;`;
}

function argumentCase(command: CommandWords): string {
  return `    ${quoted(command.words)}) ${replyOf(command)} ;;`;
}

function replyOf({ choices, completes }: Pick<OptionWords, 'choices' | 'completes'>): string {
  if (choices.length > 0) return `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current"))`;
  if (completes === 'file') return 'COMPREPLY=($(compgen -f -- "$current"))';
  if (completes === undefined) return ':';
  return `COMPREPLY=($(compgen -W "$(${namesCommand(completes)})" -- "$current"))`;
}
