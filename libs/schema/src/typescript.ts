import type { SchemaFile } from './schema-files.js';
import { jsonKindsOf } from './schema-rules.js';
import {
  schemaInvalid,
  schemaTree,
  type EnumNode,
  type FieldNode,
  type RecordNode,
  type SchemaNode,
} from './schema-tree.js';
import { catalogueOf, constantsOf, indexOf, pascalCase, type GeneratedObject } from './typescript-names.js';
import { HEADING, alternatives, commentOf } from './typescript-text.js';

/**
 * TypeScript for event types and their data in its JSON form. Per business object one `<object>/<object>.generated.ts`:
 * an interface for each type, the types as constants (`SalesOrderEvent.Created`), and a map from type to interface; an
 * `index.ts` that names them all, with the map of all types (`MeshEvents`); and `catalogue.generated.ts`, what is known
 * of each type. Keys are paths below the directory of the schemas. What has a default may be left out.
 *
 * @throws HeddleError `schema-invalid` for names that would be one in TypeScript
 */
export function typescriptOf(files: readonly SchemaFile[]): Map<string, string> {
  const sources = new Map<string, string>();
  const objects: GeneratedObject[] = [];
  for (const [object, members] of Map.groupBy(files, (file) => file.description.object)) {
    const definitions = new Definitions();
    for (const member of members) definitions.add(schemaTree(member.schema));
    const map = `${pascalCase(object)}Events`;
    const constants = `${pascalCase(object)}Event`;
    const entries = members.map(
      ({ description, schema }) =>
        `  /** ${commentOf(description.summary)} */\n  '${description.type}': ${shortName(schemaTree(schema))};`,
    );
    const body = [
      ...definitions.texts(),
      constantsOf(object, constants, members),
      `/** The data of each event type of ${object}. */\nexport interface ${map} {\n${entries.join('\n')}\n}`,
    ];
    sources.set(`${object}/${object}.generated.ts`, `${HEADING}\n\n${body.join('\n\n')}\n`);
    objects.push({ object, map, constants, types: definitions.names() });
  }
  sources.set('catalogue.generated.ts', catalogueOf(files));
  sources.set('index.ts', indexOf(objects));
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
        return this.#define(node, enumOf(node));
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
      throw schemaInvalid(node.name, `would be the TypeScript type ${name}, as ${known.fullName} is, and they differ`);
    }
    this.#texts.set(name, { fullName: node.name, text });
  }
}

function enumOf(node: EnumNode): string {
  const doc = node.doc === undefined ? '' : `/** ${commentOf(node.doc)} */\n`;
  return `${doc}export type ${shortName(node)} =${alternatives(node.symbols.map((symbol) => `'${symbol}'`))};`;
}

function interfaceOf(node: RecordNode): string {
  const doc = node.doc === undefined ? '' : `/** ${commentOf(node.doc)} */\n`;
  return `${doc}export interface ${shortName(node)} {\n${node.fields.map(propertyOf).join('\n')}\n}`;
}

function propertyOf(field: FieldNode): string {
  const fallback = field.default === undefined ? undefined : `\`${JSON.stringify(field.default)}\` when left out.`;
  const notes = [field.doc, noteOf(field.type), fallback].filter((note) => note !== undefined && note !== '');
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
        .map((branch) => (hasStrings(node) && isFloat(branch) ? 'number' : typeOf(branch)))
        .join(' | ');
    case 'long':
      return node.logical === undefined ? 'number | string' : 'string';
    case 'int':
      return node.logical === undefined ? 'number' : 'string';
    case 'float':
    case 'double':
      return "number | 'NaN' | 'Infinity' | '-Infinity'";
    case 'bytes':
    case 'fixed':
      return 'string';
    default:
      return node.kind;
  }
}

/** Beside a branch of strings "NaN" is a string like any other. */
function hasStrings({ branches }: Extract<SchemaNode, { kind: 'union' }>): boolean {
  return branches.some((branch) => branch.kind !== 'union' && jsonKindsOf(branch).includes('string'));
}

function isFloat({ kind }: SchemaNode): boolean {
  return kind === 'float' || kind === 'double';
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

function shortName(node: SchemaNode): string {
  return 'name' in node ? node.name.slice(node.name.lastIndexOf('.') + 1) : node.kind;
}
