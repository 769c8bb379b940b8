import { type CommandWords, type OptionWords, type Words, namesCommand, quoted } from './words.js';

/** The completion of zsh. */
export function zshScript({ entries, commands }: Words): string {
  const groups = entries.filter(({ isGroup }) => isGroup);
  return `#compdef heddle
# The completion of heddle for zsh: heddle completion zsh > "\${fpath[1]}/_heddle"
_heddle() {
  local line="\${words[2]}" previous="\${words[CURRENT-1]}"
  if (( CURRENT == 2 )); then
    local -a commands=(
${[...entries, { name: 'help', summary: 'help of a command' }].map(({ name, summary }) => `      ${described(name, summary)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  case "$line" in
    ${groups.map(({ name }) => name).join('|')})
      if (( CURRENT == 3 )); then
        local -a members
        case "$line" in
${groups.map(({ name }) => groupCase(name, commands)).join('\n')}
        esac
        _describe command members
        return
      fi
      line="$line \${words[3]}" ;;
  esac
  case "$line $previous" in
${commands.flatMap((command) => command.options.filter(({ takesValue }) => takesValue).map((option) => valueCase(command, option))).join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    local -a options
    case "$line" in
${commands.map(optionsCase).join('\n')}
    esac
    _describe option options
    return
  fi
  case "$line" in
${commands
  .filter(({ choices, completes }) => choices.length > 0 || completes !== undefined)
  .map((command) => `    ${quoted(command.words)}) ${replyOf(command)} ;;`)
  .join('\n')}
    help) compadd -- ${entries.map(({ name }) => name).join(' ')} ;;
  esac
}
compdef _heddle heddle
`;
}

function groupCase(name: string, commands: readonly CommandWords[]): string {
  const members = commands
    .filter(({ words }) => words.startsWith(`${name} `))
    .map(({ words, summary }) => described(words.slice(name.length + 1), summary));
  return `          ${name}) members=(${members.join(' ')}) ;;`;
}

function valueCase({ words }: CommandWords, option: OptionWords): string {
  const names = [`'${words} --${option.name}'`, ...(option.short === undefined ? [] : [`'${words} -${option.short}'`])];
  return `    ${names.join('|')}) ${replyOf(option)}; return ;;`;
}

function optionsCase({ words, options }: CommandWords): string {
  return `      ${quoted(words)}) options=(${options.map(({ name, about }) => described(`--${name}`, about)).join(' ')}) ;;`;
}

function replyOf({ choices, completes }: Pick<OptionWords, 'choices' | 'completes'>): string {
  if (choices.length > 0) return `compadd -- ${choices.join(' ')}`;
  if (completes === 'file') return '_files';
  if (completes === undefined) return ':';
  return `compadd -- \${(f)"$(${namesCommand(completes)})"}`;
}

/** `'name:what it does'`; a colon of its own would end the name. */
function described(name: string, about: string): string {
  return quoted(`${name}:${about.replaceAll(':', String.raw`\:`)}`);
}
