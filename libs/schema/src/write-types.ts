import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchemaFile } from './schema-files.js';
import { typescriptOf } from './typescript.js';

/** Which files TypeScript is made from. */
export interface TypesOptions {
  dir: string;
  files: readonly SchemaFile[];
  /** Says what is out of date, and writes nothing. */
  dryRun?: boolean | undefined;
}

/** Writes the TypeScript of the schemas beside them. Answers with the files that were not up to date. */
export async function writeTypes({ dir, files, dryRun = false }: TypesOptions): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of typescriptOf(files)) {
    const target = join(dir, path);
    if ((await readFile(target, 'utf8').catch(() => '')) === text) continue;
    stale.push(path);
    if (!dryRun) await writeFile(target, text);
  }
  return stale;
}
