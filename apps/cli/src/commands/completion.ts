import { type Completes, type Invocation, defineCommand } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import { readContexts } from '../context/context-file.js';
import type { Words } from '../completion/words.js';
import type { Kind } from '../manifests/kind.js';

const SHELLS = ['bash', 'zsh', 'fish'];
const NAMED: readonly Completes[] = ['queue', 'webhook', 'channel', 'client', 'type', 'context'];

export const completion = defineCommand({
  name: 'completion',
  summary: 'the completion of a shell',
  description:
    'Prints a script that completes commands, options, and the names of queues, webhooks, clients, event types and contexts. Those come from the gateway when the key is pressed: completion names KIND lists them.',
  args: [
    { name: 'SHELL', about: 'the shell, or names', choices: [...SHELLS, 'names'] },
    { name: 'KIND', about: 'of the names', optional: true, choices: NAMED },
  ],
  formats: ['table'],
  examples: [
    { line: 'source <(heddle completion bash)', about: 'for this bash; in ~/.bashrc for each' },
    { line: 'heddle completion zsh > ~/.zsh/completions/_heddle', about: 'for zsh, where that folder is in fpath' },
    { line: 'heddle completion fish > ~/.config/fish/completions/heddle.fish', about: 'for fish' },
  ],
  async run(invocation) {
    const { args, terminal } = invocation;
    const [shell = '', kind] = args;
    if (shell === 'names') {
      if (kind === undefined) throw wrongLine(`Names of what? ${NAMED.join(', ')}.`);
      for (const name of await namesOf(kind as Completes, invocation)) terminal.out(name);
      return;
    }
    const { wordsOf } = await import('../completion/words.js');
    const words = await wordsOf(invocation.commands);
    terminal.out(await scriptOf(shell, words));
  },
});

async function scriptOf(shell: string, words: Words): Promise<string> {
  if (shell === 'bash') return (await import('../completion/bash.js')).bashScript(words);
  if (shell === 'zsh') return (await import('../completion/zsh.js')).zshScript(words);
  return (await import('../completion/fish.js')).fishScript(words);
}

async function namesOf(kind: Completes, { terminal, gateway: open }: Invocation): Promise<string[]> {
  if (kind === 'context') return Object.keys(readContexts(terminal.environment.configHome).contexts);
  const gateway = await open();
  if (kind === 'type') {
    const { types } = await gateway.get<{ types: { type: string }[] }>('/v1/catalogue');
    return types.map(({ type }) => type);
  }
  const [{ allOf }, named] = await Promise.all([import('../manifests/names.js'), kindOf(kind)]);
  return (await allOf(gateway, named)).map((view) => named.nameOf(view));
}

async function kindOf(kind: Completes): Promise<Kind> {
  if (kind === 'queue') return (await import('../manifests/queue-kind.js')).queueKind;
  if (kind === 'webhook') return (await import('../manifests/webhook-kind.js')).webhookKind;
  if (kind === 'channel') return (await import('../manifests/channel-kind.js')).channelKind;
  return (await import('../manifests/client-kind.js')).clientKind;
}
