import type { SchemaFile } from './schema-files.js';
import { schemaTree, type FieldNode, type RecordNode, type SchemaNode } from './schema-tree.js';

const HEADING = '// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.';
/** A list of names stays on one line as long as Prettier leaves it there. */
const LINE = 120;

/**
 * TypeScript for the data of event types, in its JSON form: per business object one `<object>/<object>.generated.ts`
 * with an interface for each type and a map from type to interface, and an `index.ts` that names them all. Keys are
 * paths below the directory of the schemas. What has a default may be left out.
 */
export function typescriptOf(files: readonly SchemaFile[]): Map<string, string> {
  const sources = new Map<string, string>();
  const exports: string[] = [];
  for (const [object, members] of Map.groupBy(files, (file) => file.description.object)) {
    const definitions = new Definitions();
    for (const member of members) definitions.add(schemaTree(member.schema));
    const map = `${pascalCase(object)}Events`;
    const entries = members.map(
      ({ description, schema }) =>
        `  /** ${commentOf(description.summary)} */\n  '${description.type}': ${shortName(schemaTree(schema))};`,
    );
    const body = [
      ...definitions.texts(),
      `/** The data of each event type of ${object}. */\nexport interface ${map} {\n${entries.join('\n')}\n}`,
    ];
    sources.set(`${object}/${object}.generated.ts`, `${HEADING}\n\n${body.join('\n\n')}\n`);
    exports.push(exportLine([map, ...definitions.names()].toSorted(), `./${object}/${object}.generated.js`));
  }
  sources.set('index.ts', `${HEADING}\n${exports.join('\n')}\n`);
  return sources;
}

/** Named types of one business object; one that several schemas define alike is written once. */
class Definitions {
  readonly #texts = new Map<string, { fullName: string; text: string }>();

  names(): string[] {
    return [...this.#texts.keys()];
  }

  texts(): string[] {
    return [...this.#texts.values()].map(({ text }) => text);
  }

  add(node: SchemaNode): void {
    switch (node.kind) {
      case 'record':
        if (this.#texts.get(shortName(node))?.fullName === node.name && this.#isSame(node)) return;
        this.#define(node, interfaceOf(node));
        for (const field of node.fields) this.add(field.type);
        return;
      case 'enum':
        return this.#define(
          node,
          `export type ${shortName(node)} = ${node.symbols.map((symbol) => `'${symbol}'`).join(' | ')};`,
        );
      case 'array':
        return this.add(node.items);
      case 'map':
        return this.add(node.values);
      case 'union':
        for (const branch of node.branches) this.add(branch);
    }
  }

  #isSame(node: RecordNode): boolean {
    return this.#texts.get(shortName(node))?.text === interfaceOf(node);
  }

  #define(node: { kind: string; name: string }, text: string): void {
    const name = shortName(node as SchemaNode);
    const known = this.#texts.get(name);
    if (known !== undefined && known.text !== text) {
      throw new Error(`${known.fullName} and ${node.name} would both be the TypeScript type ${name}, but differ`);
    }
    this.#texts.set(name, { fullName: node.name, text });
  }
}

function interfaceOf(node: RecordNode): string {
  const doc = node.doc === undefined ? '' : `/** ${commentOf(node.doc)} */\n`;
  return `${doc}export interface ${shortName(node)} {\n${node.fields.map(propertyOf).join('\n')}\n}`;
}

function propertyOf(field: FieldNode): string {
  const notes = [field.doc, noteOf(field.type)].filter((note) => note !== undefined && note !== '');
  const doc = notes.length === 0 ? '' : `  /** ${commentOf(notes.join(' '))} */\n`;
  return `${doc}  ${field.name}${field.default === undefined ? '' : '?'}: ${typeOf(field.type)};`;
}

function typeOf(node: SchemaNode): string {
  switch (node.kind) {
    case 'record':
    case 'enum':
      return shortName(node);
    case 'array':
      return `readonly ${parenthesized(node.items)}[]`;
    case 'map':
      return `Readonly<Record<string, ${typeOf(node.values)}>>`;
    case 'union':
      return node.branches
        .toSorted((a, b) => Number(a.kind === 'null') - Number(b.kind === 'null'))
        .map(typeOf)
        .join(' | ');
    case 'long':
      return node.logical === undefined ? 'number | string' : 'string';
    case 'int':
      return node.logical === undefined ? 'number' : 'string';
    case 'float':
    case 'double':
      return 'number';
    case 'bytes':
    case 'fixed':
      return 'string';
    default:
      return node.kind;
  }
}

function parenthesized(node: SchemaNode): string {
  const type = typeOf(node);
  return type.includes(' ') ? `(${type})` : type;
}

/** What the type alone does not say. */
function noteOf(node: SchemaNode): string | undefined {
  if (node.kind === 'union') return node.branches.map(noteOf).find((note) => note !== undefined);
  if (node.kind === 'string' && node.maxLength !== undefined)
    return `At most ${node.maxLength} character${node.maxLength === 1 ? '' : 's'}.`;
  if (node.kind === 'long' && node.logical === undefined) return 'A string beyond 2^53.';
  if ((node.kind === 'bytes' || node.kind === 'fixed') && node.logical === undefined) return 'Base64.';
  if (!('logical' in node) || node.logical === undefined) return undefined;
  if (node.logical !== 'decimal') return `ISO 8601 (${node.logical}).`;
  return `A decimal of ${node.precision ?? 0} digits, ${node.scale ?? 0} of them decimal places.`;
}

function exportLine(names: readonly string[], from: string): string {
  const line = `export type { ${names.join(', ')} } from '${from}';`;
  return line.length <= LINE
    ? line
    : `export type {\n${names.map((name) => `  ${name},`).join('\n')}\n} from '${from}';`;
}

function shortName(node: SchemaNode): string {
  return 'name' in node ? node.name.slice(node.name.lastIndexOf('.') + 1) : node.kind;
}

function pascalCase(words: string): string {
  return words.replaceAll(/(?:^|[-._])(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

function commentOf(text: string): string {
  return text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ').trim();
}
