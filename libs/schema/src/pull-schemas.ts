import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HeddleError } from '@heddle/event';
import { fullNameOf, sameSchema, type AvroSchema } from './avro-schema.js';
import { eventDescriptionOf } from './event-type.js';
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';

/** Which subjects are written into which folder. */
export interface PullOptions {
  dir: string;
  registry: Pick<SchemaRegistry, 'subjects' | 'latest'>;
  /** Only subjects that begin so. */
  prefix?: string | undefined;
  /** Says what would be written, and writes nothing. */
  dryRun?: boolean | undefined;
}

/** What became of a subject that was pulled. */
export interface PulledSchema {
  subject: string;
  /** Below the directory; none for what was left out. */
  file?: string;
  version?: number;
  outcome: 'written' | 'unchanged' | 'skipped';
  /** Why it was left out. */
  reason?: string;
}

const FOLDER = /^[a-z0-9][a-z0-9_-]*$/;
const RECORD = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Writes the newest version of each subject as a `.avsc` file, where `loadSchemaFiles` looks for it: an event type in
 * the folder of its object, any other record in that of its topic. A file that says the same stays as it is written.
 *
 * @throws HeddleError `registry-unavailable`
 */
export async function pullSchemas({
  dir,
  registry,
  prefix = '',
  dryRun = false,
}: PullOptions): Promise<PulledSchema[]> {
  const subjects = (await registry.subjects()).filter((subject) => subject.startsWith(prefix)).toSorted();
  const pulled: PulledSchema[] = [];
  const taken = new Set<string>();
  for (const subject of subjects) {
    const registered = await latestOf(registry, subject);
    const file = typeof registered === 'string' ? undefined : fileOf(subject, registered.schema);
    if (typeof registered === 'string' || file === undefined || taken.has(file)) {
      const reason =
        typeof registered === 'string'
          ? registered
          : file === undefined
            ? 'it has no name for a file'
            : `${file} is taken`;
      pulled.push({ subject, outcome: 'skipped', reason });
      continue;
    }
    taken.add(file);
    const { schema, version } = registered;
    const isSame = await saysTheSame(join(dir, file), schema);
    if (!isSame && !dryRun) await write(join(dir, file), schema);
    pulled.push({ subject, file, version, outcome: isSame ? 'unchanged' : 'written' });
  }
  return pulled;
}

/** The newest version, or why there is none to be had; only a registry that is away ends the pulling. */
async function latestOf(registry: PullOptions['registry'], subject: string): Promise<RegisteredSchema | string> {
  try {
    return (await registry.latest(subject)) ?? 'it has no version';
  } catch (error) {
    if (error instanceof HeddleError && !error.retryable) return error.message;
    throw error;
  }
}

/** What comes from a registry never names a place outside the directory. */
function fileOf(subject: string, schema: AvroSchema): string | undefined {
  const name = fullNameOf(schema);
  const record = name?.slice(name.lastIndexOf('.') + 1) ?? '';
  const folder = objectOf(schema) ?? subject.slice(0, Math.max(0, subject.length - (name?.length ?? 0) - 1));
  return RECORD.test(record) && FOLDER.test(folder) ? `${folder}/${record}.avsc` : undefined;
}

function objectOf(schema: AvroSchema): string | undefined {
  try {
    return eventDescriptionOf(schema).object;
  } catch {
    return undefined;
  }
}

async function saysTheSame(path: string, schema: AvroSchema): Promise<boolean> {
  try {
    return sameSchema(JSON.parse(await readFile(path, 'utf8')), schema);
  } catch {
    return false;
  }
}

async function write(path: string, schema: AvroSchema): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(schema, null, 2)}\n`);
}
