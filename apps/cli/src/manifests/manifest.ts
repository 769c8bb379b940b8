import { HeddleError } from '@heddle/event';
import { wrongLine } from '../wrong-line.js';
import { readText } from '../context/context-source.js';
import type { Terminal } from '../terminal.js';
import type { Kind, Spec } from './kind.js';

/** A document of a file: what kind of thing, its name, and what it is to be. */
export interface Manifest {
  kind: Kind['name'];
  name: string;
  spec: Spec;
}

const KINDS: readonly string[] = ['queue', 'webhook', 'channel', 'client'] satisfies Kind['name'][];

/** All documents of files; `-` is the standard input. @throws HeddleError `body-invalid`, `command-invalid` */
export async function readManifests(kind: Kind, files: readonly string[], terminal: Terminal): Promise<Manifest[]> {
  const { readYaml } = await import('../output/yaml.js');
  const all: Manifest[] = [];
  for (const file of files) {
    const text = file === '-' ? await terminal.input() : readText(file);
    all.push(...readYaml(text, file).map((value, index) => manifestOf(value, `document ${index + 1} of ${file}`)));
  }
  const other = all.find((manifest) => manifest.kind !== kind.name);
  if (other !== undefined) {
    throw wrongLine(
      `${other.name} is a ${other.kind}: heddle ${other.kind} apply takes it, heddle ${kind.name} apply does not.`,
    );
  }
  const twice = all.find(({ name }, index) => all.findIndex((manifest) => manifest.name === name) !== index);
  if (twice !== undefined) throw wrongLine(`${twice.name} is there twice: which of them is meant?`);
  return all;
}

function manifestOf(value: unknown, where: string): Manifest {
  const { kind, name, spec, ...more } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const [unknown] = Object.keys(more);
  if (typeof kind !== 'string' || !KINDS.includes(kind))
    throw wrong(where, `kind must be one of ${KINDS.join(', ')}`, 'kind');
  if (typeof name !== 'string' || name === '') throw wrong(where, 'name must be a text', 'name');
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw wrong(where, 'spec must be there', 'spec');
  if (unknown !== undefined) throw wrong(where, `${unknown} is not known beside kind, name and spec`, unknown);
  return { kind: kind as Kind['name'], name, spec: withoutNull(spec as Spec) };
}

/** A field that is null counts as left out. */
function withoutNull(spec: Spec): Spec {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}

function wrong(where: string, rule: string, field: string): HeddleError {
  return new HeddleError('body-invalid', `${where}: ${rule}.`, { field });
}
