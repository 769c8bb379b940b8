import { type Command, defineCommand } from '../command.js';
import { meant, wrongLine } from '../wrong-line.js';
import { type Contexts, readContexts, writeContexts } from '../context/context-file.js';
import { CONTEXT_SOURCES, addContext } from '../context/context-source.js';
import { table } from '../output/table.js';

const NAME = { name: 'NAME', about: 'of the context', completes: 'context' } as const;

const add = defineCommand({
  name: 'add',
  summary: 'keep a context, beside the one that is used',
  args: [{ name: 'NAME', about: 'how it is called' }],
  options: CONTEXT_SOURCES,
  json: '{"name", "gateway", "clientId", "current"}',
  examples: [
    { line: 'heddle context add production --service-key shop.service-key.json', about: 'from a service key' },
    {
      line: 'heddle context add test --gateway https://test.example.com --client-id shop --client-secret-file shop.secret',
      about: 'from a client and the file with its secret',
    },
  ],
  run: (invocation) => addContext(invocation, invocation.args[0] ?? '', false),
});

const use = defineCommand({
  name: 'use',
  summary: 'use a context from now on',
  args: [NAME],
  json: '{"name", "gateway", "clientId", "current"}',
  examples: [{ line: 'heddle context use production', about: 'from now on' }],
  async run({ args, terminal, output }) {
    const { configHome } = terminal.environment;
    const all = readContexts(configHome);
    const name = known(all, args[0] ?? '');
    writeContexts(configHome, { ...all, current: name });
    await output.show(viewOf({ ...all, current: name }, name), () => `${name} is used from now on.`);
  },
});

const list = defineCommand({
  name: 'list',
  summary: 'the contexts there are; no secrets',
  json: '[{"name", "gateway", "clientId", "current"}]',
  examples: [{ line: 'heddle context list', about: 'all of them' }],
  async run({ terminal, output }) {
    const all = readContexts(terminal.environment.configHome);
    const views = Object.keys(all.contexts)
      .toSorted()
      .map((name) => viewOf(all, name));
    await output.show(views, () =>
      table(
        views,
        [
          { title: '', of: ({ current }) => (current ? '*' : '') },
          { title: 'name', of: ({ name }) => name },
          { title: 'client', of: ({ clientId }) => clientId },
          { title: 'gateway', of: ({ gateway }) => gateway },
        ],
        'none: heddle login keeps one',
      ),
    );
  },
});

const remove = defineCommand({
  name: 'remove',
  summary: 'forget a context',
  args: [NAME],
  json: '{"name", "removed"}',
  examples: [{ line: 'heddle context remove test', about: 'with its secret; the client itself stays' }],
  async run({ args, terminal, output }) {
    const { configHome } = terminal.environment;
    const all = readContexts(configHome);
    const name = known(all, args[0] ?? '');
    const { [name]: _, ...contexts } = all.contexts;
    writeContexts(configHome, {
      ...(all.current === undefined || all.current === name ? {} : { current: all.current }),
      contexts,
    });
    await output.show({ name, removed: true }, () => `${name} is forgotten.`);
  },
});

export const contextCommands: readonly Command[] = [add, use, list, remove];

interface ContextView {
  name: string;
  gateway: string;
  clientId: string;
  current: boolean;
}

function viewOf({ contexts, current }: Contexts, name: string): ContextView {
  const { gateway = '', clientId = '' } = contexts[name] ?? {};
  return { name, gateway, clientId, current: name === current };
}

function known({ contexts }: Contexts, name: string): string {
  if (name in contexts) return name;
  throw wrongLine(
    `There is no context ${name}.${meant(name, Object.keys(contexts)) || ' heddle context list shows them.'}`,
  );
}
