import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HeddleError } from '@heddle/event';
import { AvroCodec, compileSchema } from './avro-codec.js';
import { fullNameOf, subjectOf, type AvroSchema } from './avro-schema.js';
import { eventDescriptionOf, type EventDescription } from './event-type.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';
import { definitionsIn, linkedSchema, type Definition } from './schema-links.js';
import type { SchemaRegistry } from './schema-registry.js';
import { schemaInvalid, schemaTree, type SchemaNode } from './schema-tree.js';

/** An event type as its file describes it. */
export interface SchemaFile {
  /** Path below the directory that was read: `sales-order/SalesOrderCreated.avsc`. */
  file: string;
  /** As it is registered: names that other files define are written out in it. */
  schema: AvroSchema;
  description: EventDescription;
  subject: string;
  /** Files that define names it uses. */
  uses: readonly string[];
}

/**
 * Reads every `<object>/<Name>.avsc` below a directory, in order of path, and holds each to its rules: the schema is
 * valid, its names follow from the event type and the folder, every field has a doc, the example fits.
 *
 * @throws HeddleError `schema-invalid` or `data-invalid`, naming the file.
 */
export async function loadSchemaFiles(dir: string): Promise<SchemaFile[]> {
  const entries = await readdir(dir, { recursive: true });
  const paths = entries.filter((entry) => entry.endsWith('.avsc') && !entry.includes('node_modules')).toSorted();
  const texts = await Promise.all(paths.map((path) => readSchema(dir, path)));
  const definitions = new Map<string, Definition>();
  for (const [index, path] of paths.entries())
    for (const [name, definition] of definitionsIn(path, texts[index]))
      if (!definitions.has(name)) definitions.set(name, definition);
  const files = await Promise.all(
    paths.map((path, index) => naming(path, () => schemaFileOf(path, texts[index] as AvroSchema, definitions))),
  );
  const types = new Map<string, string>();
  for (const { file, description } of files) {
    const other = types.get(description.type);
    if (other !== undefined) throw schemaInvalid(file, `describes ${description.type}, as ${other} does`);
    types.set(description.type, file);
  }
  checkEnvelopes(files);
  return files;
}

function readSchema(dir: string, file: string): Promise<AvroSchema> {
  return naming(file, async () => {
    return JSON.parse(await readFile(join(dir, file), 'utf8')) as AvroSchema;
  });
}

async function schemaFileOf(
  file: string,
  written: AvroSchema,
  definitions: ReadonlyMap<string, Definition>,
): Promise<SchemaFile> {
  const { schema, uses } = linkedSchema(file, written, definitions);
  compileSchema(schema);
  const description = eventDescriptionOf(schema);
  checkNames(file, schema, description);
  checkDocs(schemaTree(schema));
  await checkExample(schema, description.example);
  return { file, schema, description, subject: subjectOf(description.topic, schema), uses };
}

async function naming<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof HeddleError ? error.code : 'schema-invalid';
    throw new HeddleError(code, `${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The record name an event type asks for: `a.v1.Order.Created.v1` is `a.v1.OrderCreated`, its `.v2` `a.v1.OrderCreatedV2`. */
export function recordNameOf(type: string): string {
  const parts = type.split('.');
  const [object = '', action = '', version = 'v1'] = parts.slice(-3);
  const suffix = version === 'v1' ? '' : version.toUpperCase();
  return [...parts.slice(0, -3), object + action + suffix].join('.').replaceAll('-', '_');
}

function checkNames(file: string, schema: AvroSchema, { type, object }: EventDescription): void {
  const wanted = recordNameOf(type);
  if (fullNameOf(schema) !== wanted) throw schemaInvalid('name', `must be ${wanted}, after its event type`);
  const folder = dirname(file);
  if (folder !== object) throw schemaInvalid('heddle.topic', `must be that of its folder, ${folder}`);
  const shortName = wanted.slice(wanted.lastIndexOf('.') + 1);
  if (basename(file, '.avsc') !== shortName) throw schemaInvalid('name', `needs a file of its name, ${shortName}.avsc`);
}

/** Every record and every field says what it is, however deep. */
function checkDocs(node: SchemaNode, at = ''): void {
  if (node.kind === 'array') return checkDocs(node.items, at);
  if (node.kind === 'union') return node.branches.forEach((branch) => checkDocs(branch, at));
  if (node.kind !== 'record') return;
  if (!node.doc) throw schemaInvalid(`${at}doc`, 'is missing');
  for (const field of node.fields) {
    if (!field.doc) throw schemaInvalid(`${at}${field.name}.doc`, 'is missing');
    checkDocs(field.type, `${at}${field.name}.`);
  }
}

async function checkExample(schema: AvroSchema, example: unknown): Promise<void> {
  const registry = new MemorySchemaRegistry();
  const codec = new AvroCodec(registry);
  const id = await registry.register('example', schema);
  await codec.load(id);
  codec.encode(id, example);
}

/** A file that the registry has now. */
export interface Registration {
  file: string;
  id: number;
  /** Whether the registry had another version, or none, before. */
  changed: boolean;
}

/** Registers every file under its subject, one after another. @throws HeddleError as `SchemaRegistry.register` does. */
export async function registerSchemas(registry: SchemaRegistry, files: readonly SchemaFile[]): Promise<Registration[]> {
  const registrations: Registration[] = [];
  for (const { file, schema, subject } of files) {
    const before = await registry.latest(subject);
    const id = await registry.register(subject, schema);
    registrations.push({ file, id, changed: before?.id !== id });
  }
  return registrations;
}

/** Who reads a topic reads it in one way. */
function checkEnvelopes(files: readonly SchemaFile[]): void {
  const first = new Map<string, SchemaFile>();
  for (const one of files) {
    const { topic, envelope } = one.description;
    const other = first.get(topic) ?? one;
    first.set(topic, other);
    if (envelope !== other.description.envelope) {
      throw schemaInvalid(one.file, `must have the heddle.envelope of ${other.file}, whose topic is ${topic}, too`);
    }
  }
}
