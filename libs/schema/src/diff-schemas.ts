import { checkSchemas, type CheckOptions, type SchemaVerdict } from './check-schemas.js';
import { schemaChanges, type SchemaChange } from './schema-changes.js';

/** How a file differs from the newest version of its subject. */
export interface SchemaDiff extends SchemaVerdict {
  changes: SchemaChange[];
}

/**
 * What has changed in each file since the newest version, and whether the mode forbids it.
 *
 * @throws HeddleError `registry-unavailable`
 */
export async function diffSchemas(options: CheckOptions): Promise<SchemaDiff[]> {
  const verdicts = await checkSchemas(options);
  const diffs: SchemaDiff[] = [];
  for (const [index, { schema, subject }] of options.files.entries()) {
    const verdict = verdicts[index] as SchemaVerdict;
    const latest = verdict.outcome === 'new' ? undefined : (await options.registry.versions(subject)).at(-1);
    diffs.push({
      ...verdict,
      changes: latest === undefined ? [] : schemaChanges(latest.schema, schema, verdict.findings),
    });
  }
  return diffs;
}
