import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeddleError } from '@heddle/event';
import { ConfluentSchemaRegistry } from './confluent-schema-registry.js';
import { loadSchemaFiles, registerSchemas, type SchemaFile } from './schema-files.js';
import { typescriptOf } from './typescript.js';

/*
 * npm run schemas [check | register | types]: checks the schema files, registers them, writes their TypeScript types.
 * Without a word it checks and writes types.
 */

const DIRECTORY = 'schemas';
const REGISTRY_URL = process.env['SCHEMA_REGISTRY_URL'] ?? 'http://127.0.0.1:8181/apis/ccompat/v7';

async function run(command: string | undefined): Promise<void> {
  const files = await loadSchemaFiles(DIRECTORY);
  switch (command) {
    case undefined:
      await check(files);
      return writeTypes(files);
    case 'check':
      return check(files);
    case 'register':
      return register(files);
    case 'types':
      return writeTypes(files);
    default:
      throw new HeddleError('parameter-invalid', `${command} is none of check, register, types.`);
  }
}

async function check(files: readonly SchemaFile[]): Promise<void> {
  say(`${files.length} schemas are valid and fit their examples`);
  const registry = new ConfluentSchemaRegistry({ url: REGISTRY_URL, timeoutMs: 2_000 });
  try {
    await registry.ping();
  } catch {
    return say(`no registry answers at ${REGISTRY_URL}: compatibility was not checked`);
  }
  let refused = 0;
  for (const { file, schema, subject } of files) {
    const { compatible, messages } = await registry.check(subject, schema);
    if (compatible) continue;
    refused += 1;
    say(`${file} is not compatible with its versions:\n  ${messages.join('\n  ')}`);
  }
  if (refused > 0)
    throw new HeddleError('schema-incompatible', `${refused} of ${files.length} schemas are not compatible.`);
  say(`all are compatible with ${REGISTRY_URL}`);
}

async function register(files: readonly SchemaFile[]): Promise<void> {
  const registrations = await registerSchemas(new ConfluentSchemaRegistry({ url: REGISTRY_URL }), files);
  for (const { file, id, changed } of registrations) if (changed) say(`${file} is schema ${id}`);
  const changed = registrations.filter((registration) => registration.changed).length;
  say(`${registrations.length} schemas are registered, ${changed} of them new or changed`);
}

async function writeTypes(files: readonly SchemaFile[]): Promise<void> {
  let written = 0;
  for (const [path, text] of typescriptOf(files)) {
    const target = join(DIRECTORY, path);
    if ((await readFile(target, 'utf8').catch(() => '')) === text) continue;
    await writeFile(target, text);
    written += 1;
    say(`${target} is written`);
  }
  if (written === 0) say('the types are up to date');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await run(process.argv[2]);
} catch (error) {
  const known = error instanceof HeddleError;
  process.stderr.write(`${known ? `${error.code}: ${error.message}` : String(error)}\n`);
  process.exitCode = 1;
}
