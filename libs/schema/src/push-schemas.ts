import { checkSchemas, type CheckOptions, type SchemaVerdict } from './check-schemas.js';
import type { SchemaFile } from './schema-files.js';
import type { SchemaRegistry } from './schema-registry.js';

/** Which files are registered where. */
export interface PushOptions extends CheckOptions {
  registry: Pick<SchemaRegistry, 'versions' | 'mode' | 'register'>;
  /** Says what would be registered, and registers nothing. */
  dryRun?: boolean | undefined;
}

/** What became of a file that was pushed. */
export interface PushedSchema extends SchemaVerdict {
  /** Its id in the registry; none where nothing was registered. */
  id?: number;
}

/**
 * Registers what is new or changed, each file after those that define the names it uses. When the mode forbids one of
 * them, none is registered: half a change is no change.
 *
 * @throws HeddleError `registry-unavailable`; `schema-incompatible` when the registry itself refuses one.
 */
export async function pushSchemas({ dryRun = false, ...options }: PushOptions): Promise<PushedSchema[]> {
  const files = inOrderOfUse(options.files);
  const verdicts: PushedSchema[] = await checkSchemas({ ...options, files });
  if (dryRun || verdicts.some(({ outcome }) => outcome === 'incompatible')) return verdicts;
  for (const [index, { subject, schema }] of files.entries()) {
    const verdict = verdicts[index] as PushedSchema;
    verdict.id = await options.registry.register(subject, schema, verdict.mode);
  }
  return verdicts;
}

/** Files that define what others use come before them; else the order stays. */
function inOrderOfUse(files: readonly SchemaFile[]): SchemaFile[] {
  const ordered = new Set<SchemaFile>();
  const begun = new Set<SchemaFile>();
  const place = (file: SchemaFile): void => {
    if (begun.has(file)) return;
    begun.add(file);
    for (const other of files) if (file.uses.includes(other.file)) place(other);
    ordered.add(file);
  };
  for (const file of files) place(file);
  return [...ordered];
}
