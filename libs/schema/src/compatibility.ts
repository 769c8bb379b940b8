import { HeddleError } from '@heddle/event';
import type { Type } from 'avsc';
import type { AvroSchema } from './avro-schema.js';
import { avscType } from './avsc-type.js';
import { BEYOND_AVRO, differencesOf, type ComparisonRule } from './schema-comparison.js';
import { schemaTree, type SchemaNode } from './schema-tree.js';

/** What a registry holds the versions of a subject to, by the names that Confluent's API has for it. */
export const COMPATIBILITY_MODES = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
/** One of the modes of Confluent's registry. */
export type CompatibilityMode = (typeof COMPATIBILITY_MODES)[number];

/** What subjects of ours are held to: old and new consumers, and a replay from the beginning, must all read. */
export const OWN_MODE: CompatibilityMode = 'FULL_TRANSITIVE';

export function isCompatibilityMode(text: unknown): text is CompatibilityMode {
  return COMPATIBILITY_MODES.some((mode) => mode === text);
}

/** `backward`: the new schema reading what an older version wrote; `forward`: the older version reading the new one. */
export type Direction = 'backward' | 'forward';

/** One thing between a new schema and a version that is registered. */
export interface Finding {
  /** `data.Items.[].Material` */
  path: string;
  /** `unreadable` is avsc's own word, where the comparison had none. */
  rule: ComparisonRule | 'unreadable';
  message: string;
  version: number;
  direction: Direction;
  /** Whether the mode forbids it. */
  breaking: boolean;
  /** Whether Apache Avro would refuse it too; false for what Avro would read and misunderstand. */
  avro: boolean;
}

/** A version that a schema is held against. */
export interface HeldVersion {
  version: number;
  schema: AvroSchema;
}

/**
 * Everything that stands between a schema and the versions of its subject, both ways, oldest first; what the mode
 * forbids is marked. A mode without `TRANSITIVE` looks at the last version only.
 *
 * @throws HeddleError `schema-invalid`
 */
export function compatibilityFindings(
  schema: AvroSchema,
  versions: readonly HeldVersion[],
  mode: CompatibilityMode,
): Finding[] {
  const next = schemaTree(schema);
  const nextType = avscTypeOf(next);
  const found: Finding[] = [];
  versions.forEach(({ version, schema: written }, index) => {
    const before = schemaTree(written);
    const beforeType = avscTypeOf(before);
    const isHeld = mode.endsWith('TRANSITIVE') || index === versions.length - 1;
    for (const direction of ['backward', 'forward'] as const) {
      const [reader, writer] = direction === 'backward' ? [next, before] : [before, next];
      const breaking = isHeld && forbids(mode, direction);
      const differences = differencesOf(reader, writer);
      for (const difference of differences)
        found.push({ ...difference, version, direction, breaking, avro: !BEYOND_AVRO.has(difference.rule) });
      if (differences.length > 0) continue;
      const [readerType, writerType] = direction === 'backward' ? [nextType, beforeType] : [beforeType, nextType];
      const objection = avscObjection(readerType(), writerType());
      if (objection === undefined) continue;
      found.push({
        path: 'data',
        rule: 'unreadable',
        message: objection,
        version,
        direction,
        breaking,
        avro: false,
      });
    }
  });
  return found;
}

function forbids(mode: CompatibilityMode, direction: Direction): boolean {
  return mode.startsWith('FULL') || mode.startsWith(direction.toUpperCase());
}

/** Why a schema may not join these versions of its subject: a line for each, naming the field. Empty when it may. */
export function incompatibilities(
  schema: AvroSchema,
  versions: readonly AvroSchema[],
  mode: CompatibilityMode = OWN_MODE,
): string[] {
  const held = versions.map((version, index) => ({ version: index + 1, schema: version }));
  return objectionsOf(compatibilityFindings(schema, held, mode));
}

/** Findings that the mode forbids, each as a line. */
function objectionsOf(findings: readonly Finding[]): string[] {
  const lines = findings.filter(({ breaking }) => breaking).map((finding) => `${finding.path}: ${textOf(finding)}`);
  return [...new Set(lines)];
}

function textOf({ message, direction, version }: Finding): string {
  const who =
    direction === 'backward' ? `new schema reading version ${version}` : `version ${version} reading the new schema`;
  return `${message} (${who})`;
}

export function schemaIncompatible(subject: string, messages: readonly string[], cause?: unknown): HeddleError {
  const text = messages.length === 0 ? 'the registry gave no reason' : messages.slice(0, 5).join('; ');
  return new HeddleError('schema-incompatible', `The schema cannot join the versions of ${subject}: ${text}.`, {
    cause,
  });
}

/** Made when it is first asked for; what cannot be compiled here never becomes a version here. */
function avscTypeOf(node: SchemaNode): () => Type | undefined {
  let type: Type | undefined | 'not made' = 'not made';
  return () => {
    if (type !== 'not made') return type;
    try {
      type = avscType(node);
    } catch {
      type = undefined;
    }
    return type;
  };
}

/** avsc's own word on it, for what the comparison may have let through: it is what reads in the end. */
function avscObjection(reader: Type | undefined, writer: Type | undefined): string | undefined {
  if (reader === undefined || writer === undefined) return undefined;
  try {
    reader.createResolver(writer);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 300) : String(error);
  }
}
