import { join } from 'node:path';
import { HeddleError, type Problem, problemOf } from '@heddle/event';
import { type Command, type Invocation, type Options, defineCommand } from '../command.js';
import { writeSecretFile } from '../context/context-file.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import type { Gateway } from '../gateway.js';
import { table } from '../output/table.js';
import { ruleLines } from '../output/trouble.js';
import { type Difference, differenceLines } from './differences.js';
import type { Kind, View } from './kind.js';
import { type Manifest, readManifests } from './manifest.js';
import { allOf, byName } from './names.js';
import { type Plan, planOf } from './plan.js';
import { withVariables } from './variables.js';

/** What became of a document. */
interface Applied {
  kind: string;
  name: string;
  result: 'created' | 'changed' | 'unchanged' | 'refused';
  differences: Difference[];
  /** What was made and is shown this once. */
  secret?: string;
  problem?: Problem;
}

const APPLY = {
  'dry-run': { type: 'flag', about: 'say what would be done, and do nothing' },
  'put-secrets': { type: 'flag', about: 'put the secrets of the file even where they look like those that are there' },
  secrets: {
    type: 'text',
    value: 'DIR',
    about: 'keep secrets that are made in this folder, in files that nobody else can read',
    completes: 'file',
  },
} as const satisfies Options;

type ApplyInvocation = Invocation<typeof APPLY>;

const FILES = {
  name: 'FILE',
  about: 'YAML, of one or many documents; - is the standard input',
  many: true,
  completes: 'file',
} as const;

/** The commands over files, for one kind of thing. */
export function manifestCommands(kind: Kind): readonly Command[] {
  return [getCommand(kind), applyCommand(kind), diffCommand(kind), exportCommand(kind), deleteCommand(kind)];
}

function getCommand(kind: Kind): Command {
  return defineCommand({
    name: 'get',
    summary: `the ${kind.name}s there are, or one with all that is known of it`,
    args: [{ name: 'NAME', about: `of a ${kind.name}`, optional: true, completes: kind.name }],
    json: `as GET ${kind.path} shows it: an array, or with NAME one object`,
    examples: [
      { line: `heddle ${kind.name} get`, about: 'all of them' },
      { line: `heddle ${kind.name} get orders --json`, about: 'one, as JSON' },
    ],
    async run({ args: [name], output, gateway: open }) {
      const gateway = await open();
      if (name === undefined) {
        const views = await allOf(gateway, kind);
        return output.show(views, () => table(views, kind.columns));
      }
      const path = `${kind.path}/${encodeURIComponent(name)}`;
      const view = await byName(gateway, kind, name, () => gateway.get<View>(path));
      const { writeYaml } = await import('../output/yaml.js');
      await output.show(view, () => writeYaml(view).trimEnd());
    },
  });
}

function applyCommand(kind: Kind): Command {
  return defineCommand({
    name: 'apply',
    summary: `make ${kind.name}s what files say`,
    description:
      'Puts only what differs, and only if nobody has changed it since it was compared: the same file may be applied any number of times. Texts may have ${NAME}, filled from the environment; where such a variable is not set, the secret that is there stays.',
    args: [FILES],
    options: APPLY,
    json: '[{"kind", "name", "result": "created|changed|unchanged|refused", "differences": [{"path", "before", "after"}], "secret", "problem"}]',
    examples: [
      { line: `heddle ${kind.name} apply ${kind.name}s.yaml`, about: 'as the file says' },
      { line: `heddle ${kind.name} apply ${kind.name}s.yaml --dry-run`, about: 'what would be done' },
    ],
    async run(invocation) {
      const { args, output, terminal } = invocation;
      const manifests = await readManifests(kind, args, terminal);
      const gateway = await invocation.gateway();
      const all: Applied[] = [];
      let code: number = EXIT.ok.code;
      for (const manifest of manifests) {
        try {
          all.push(await applied(invocation, gateway, kind, manifest));
        } catch (error) {
          if (!(error instanceof HeddleError)) throw error;
          const { name } = manifest;
          all.push({ kind: kind.name, name, result: 'refused', differences: [], problem: problemOf(error) });
          if (code === EXIT.ok.code) code = exitCodeOf(error);
        }
      }
      await output.show(all, () => all.flatMap((one) => appliedLines(one, output)));
      return code;
    },
  });
}

function diffCommand(kind: Kind): Command {
  return defineCommand({
    name: 'diff',
    summary: 'what apply would change',
    description: `Ends with ${EXIT.differs.code} where something differs, with 0 where nothing does.`,
    args: [FILES],
    json: '[{"kind", "name", "action": "create|change|none", "differences": [{"path", "before", "after"}]}]',
    examples: [{ line: `heddle ${kind.name} diff ${kind.name}s.yaml`, about: 'before it is applied' }],
    async run({ args, output, terminal, gateway: open }) {
      const manifests = await readManifests(kind, args, terminal);
      const gateway = await open();
      const plans: { kind: string; name: string; action: Plan['action']; differences: Difference[] }[] = [];
      for (const manifest of manifests) {
        const variable = terminal.environment.variable;
        const { action, differences } = await planOf(gateway, kind, manifest, { variable, anew: false });
        plans.push({ kind: kind.name, name: manifest.name, action, differences });
      }
      await output.show(plans, () =>
        plans.flatMap(({ name, action, differences }) => [
          `${{ create: '+', change: '~', none: '=' }[action]} ${kind.name} ${name}`,
          ...painted(differences, output),
        ]),
      );
      return plans.some(({ action }) => action !== 'none') ? EXIT.differs.code : EXIT.ok.code;
    },
  });
}

function exportCommand(kind: Kind): Command {
  return defineCommand({
    name: 'export',
    summary: `${kind.name}s as YAML that apply takes; no secrets`,
    args: [{ name: 'NAME', about: 'all when left out', optional: true, many: true, completes: kind.name }],
    formats: ['yaml', 'json'],
    json: 'a line for each {"kind", "name", "spec"}; YAML has a document for each',
    examples: [
      { line: `heddle ${kind.name} export > ${kind.name}s.yaml`, about: 'all of them' },
      { line: `heddle ${kind.name} export orders`, about: 'one' },
    ],
    async run({ args, output, gateway: open }) {
      const gateway = await open();
      const one = (name: string): Promise<View> =>
        byName(gateway, kind, name, () => gateway.get<View>(`${kind.path}/${encodeURIComponent(name)}`));
      const views = args.length > 0 ? await Promise.all(args.map(one)) : await allOf(gateway, kind);
      for (const view of views) {
        if (args.length === 0 && kind.isPart?.(view)) continue;
        const { secrets: _, ...spec } = await kind.specOf(view, (path) => gateway.get<View>(path));
        const name = kind.nameOf(view);
        const manifest = { kind: kind.name, name, spec: withVariables(spec, kind.name, name) };
        await output.line(manifest, () => '');
      }
    },
  });
}

function deleteCommand(kind: Kind): Command {
  return defineCommand({
    name: 'delete',
    summary: `delete ${kind.name}s${kind.name === 'client' ? ', with the tokens they have' : ', with what they hold'}`,
    args: [{ name: 'NAME', about: `of a ${kind.name}`, many: true, completes: kind.name }],
    json: '[{"kind", "name", "result": "deleted"}]',
    examples: [{ line: `heddle ${kind.name} delete orders`, about: 'one of them' }],
    async run({ args, output, gateway: open }) {
      const gateway = await open();
      for (const name of args) {
        const path = `${kind.path}/${encodeURIComponent(name)}`;
        await byName(gateway, kind, name, () => gateway.request('DELETE', path));
      }
      const all = args.map((name) => ({ kind: kind.name, name, result: 'deleted' }));
      await output.show(all, () => all.map(({ name }) => `deleted    ${kind.name} ${name}`));
    },
  });
}

async function applied(
  { options, terminal }: ApplyInvocation,
  gateway: Gateway,
  kind: Kind,
  manifest: Manifest,
): Promise<Applied> {
  const { name } = manifest;
  const { variable } = terminal.environment;
  const plan = await planOf(gateway, kind, manifest, { variable, anew: options['put-secrets'] });
  const { action, differences, body, headers } = plan;
  const results = { create: 'created', change: 'changed', none: 'unchanged' } as const;
  const done: Applied = { kind: kind.name, name, result: results[action], differences };
  if (action === 'none' || options['dry-run']) return done;
  const answer = await gateway.request('PUT', `${kind.path}/${encodeURIComponent(name)}`, { body, headers });
  const { clientSecret, secret } = answer.json as { clientSecret?: string; secret?: string };
  const made = kind.name === 'client' ? clientSecret : secret;
  if (made === undefined) return done;
  if (options.secrets !== undefined) {
    writeSecretFile(join(options.secrets, `${name}.secret`), `${made}\n`);
    return done;
  }
  return { ...done, secret: made };
}

function appliedLines(
  { kind, name, result, differences, secret, problem }: Applied,
  output: Invocation['output'],
): string[] {
  const colours = { created: 'green', changed: 'yellow', unchanged: 'dim', refused: 'red' } as const;
  return [
    `${output.paint(colours[result], result.padEnd(9))}  ${kind} ${name}${problem === undefined ? '' : `: ${problem.detail}`}`,
    ...ruleLines(problem?.errors),
    ...(result === 'changed' ? painted(differences, output) : []),
    ...(secret === undefined ? [] : [`  its secret, shown this once: ${secret}`]),
  ];
}

function painted(differences: readonly Difference[], output: Invocation['output']): string[] {
  return differenceLines(differences).map((line) => `  ${output.paint(line.startsWith('-') ? 'red' : 'green', line)}`);
}
