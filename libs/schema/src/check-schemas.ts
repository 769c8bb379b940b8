import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sameSchema } from './avro-schema.js';
import { OWN_MODE, compatibilityFindings, type CompatibilityMode, type Finding } from './compatibility.js';
import type { EventReader, ReadersOf } from './event-readers.js';
import { lineOfPath } from './field-lines.js';
import type { SchemaFile } from './schema-files.js';
import type { SchemaRegistry } from './schema-registry.js';

/** A finding with its place in the file. */
export interface PlacedFinding extends Finding {
  /** From 1. */
  line: number;
}

/** What came of holding one file to the versions of its subject. */
export interface SchemaVerdict {
  file: string;
  type: string;
  subject: string;
  mode: CompatibilityMode;
  /** The newest version there is; none for a subject that is new. */
  latest?: number;
  outcome: 'new' | 'unchanged' | 'compatible' | 'incompatible';
  findings: PlacedFinding[];
  /** Who reads the type; missing where it cannot be told, or nothing is broken. */
  readers?: readonly EventReader[];
}

/** Which files are held against which registry. */
export interface CheckOptions {
  /** Where the files lie, as {@link SchemaFile} names them. */
  dir: string;
  files: readonly SchemaFile[];
  registry: Pick<SchemaRegistry, 'versions' | 'mode'>;
  /** In place of what each subject is held to, which is FULL_TRANSITIVE where nothing was set. */
  mode?: CompatibilityMode | undefined;
  readersOf?: ReadersOf | undefined;
}

/** How many files are held to the registry side by side. */
const WIDTH = 4;

/**
 * Holds schema files to what is registered, and registers nothing; verdicts in the order of the files.
 *
 * @throws HeddleError `registry-unavailable`
 */
export async function checkSchemas({ files, ...options }: CheckOptions): Promise<SchemaVerdict[]> {
  const verdicts: SchemaVerdict[] = [];
  for (let i = 0; i < files.length; i += WIDTH)
    verdicts.push(...(await Promise.all(files.slice(i, i + WIDTH).map((file) => checkSchema(file, options)))));
  return verdicts;
}

async function checkSchema(
  { file, schema, subject, description: { type } }: SchemaFile,
  { dir, registry, mode: asked, readersOf }: Omit<CheckOptions, 'files'>,
): Promise<SchemaVerdict> {
  const versions = await registry.versions(subject);
  const mode = asked ?? (await registry.mode(subject)) ?? OWN_MODE;
  const latest = versions.at(-1);
  const about = { file, type, subject, mode };
  if (latest === undefined) return { ...about, outcome: 'new', findings: [] };
  const same = sameSchema(latest.schema, schema);
  const found = compatibilityFindings(schema, versions, mode);
  const text = found.length === 0 ? '' : await readFile(join(dir, file), 'utf8');
  const findings = found.map((finding) => ({ ...finding, line: lineOfPath(text, finding.path) }));
  const isBroken = !same && findings.some(({ breaking }) => breaking);
  const readers = isBroken ? await readersOf?.(type) : undefined;
  return {
    ...about,
    latest: latest.version,
    outcome: same ? 'unchanged' : isBroken ? 'incompatible' : 'compatible',
    findings: same ? [] : findings,
    ...(readers === undefined ? {} : { readers }),
  };
}
