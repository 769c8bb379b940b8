import { HeddleError } from '@heddle/event';
import type { AvroSchema } from './avro-schema.js';
import { definitionsIn, linkedSchema, type Definition } from './schema-links.js';

/** A version of a subject that another schema takes a name from, as Confluent's registry has it. */
export interface SchemaReference {
  /** The full name that is taken. */
  name: string;
  subject: string;
  version: number;
}

/** A schema as it was registered: names that it uses may be defined by what it refers to. */
export interface WrittenSchema {
  schema: AvroSchema;
  references: readonly SchemaReference[];
}

/** Versions that a schema may be made of. */
const MAX_VERSIONS = 200;

/**
 * The schema with every name that is defined by what it refers to, however far, written out where it comes first: so all
 * that works with schemas meets only such that stand for themselves.
 *
 * @param find a version of a subject; nothing when the registry has none
 * @throws HeddleError `schema-invalid` when there is no such version, or there are too many
 */
export async function standingForItself(
  { schema, references }: WrittenSchema,
  find: (reference: SchemaReference) => Promise<WrittenSchema | undefined>,
): Promise<AvroSchema> {
  if (references.length === 0) return schema;
  const definitions = new Map<string, Definition>();
  const open = [...references];
  const seen = new Set<string>();
  for (let reference = open.shift(); reference !== undefined; reference = open.shift()) {
    const place = `${reference.subject} version ${reference.version}`;
    if (seen.has(place)) continue;
    if (seen.size >= MAX_VERSIONS) throw invalid(`A schema is made of more than ${MAX_VERSIONS} others.`);
    seen.add(place);
    const found = await find(reference);
    if (found === undefined) throw invalid(`A schema takes ${reference.name} from ${place}, which there is not.`);
    for (const [name, definition] of definitionsIn(place, found.schema)) {
      // Of two versions of one name the nearer one counts: there is room for one in a schema.
      if (!definitions.has(name)) definitions.set(name, definition);
    }
    open.push(...found.references);
  }
  return linkedSchema('', schema, definitions).schema;
}

function invalid(message: string): HeddleError {
  return new HeddleError('schema-invalid', message);
}
