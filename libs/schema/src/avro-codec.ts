import { HeddleError } from '@heddle/event';
import type { Type } from 'avsc';
import { avscType } from './avsc-type.js';
import type { AvroSchema } from './avro-schema.js';
import { AVRO_LIMITS, byteWalker, type AvroLimits } from './byte-walker.js';
import { dataCheck } from './data-check.js';
import type { Output } from './data-output.js';
import { NOT_READ, dataReader, type Input } from './data-reader.js';
import { dataWriter } from './data-writer.js';
import { LookUps } from './look-ups.js';
import { type PersonalData, personalData } from './personal-data.js';
import type { SchemaRegistry } from './schema-registry.js';
import { checkSchemaRules } from './schema-rules.js';
import { schemaTree } from './schema-tree.js';

const MAGIC = 0;
const HEADER_BYTES = 5;
const NOTHING = Buffer.alloc(0);
const SCRATCH_BYTES = 64 * 1024;

/** A schema made ready: compiled once per id, for as long as the process lives. */
interface Compiled {
  /** Check and encoding in one, and walk and decoding in one: the way of nearly every event. */
  readonly write: (data: unknown, out: Output) => boolean;
  readonly read: (input: Input) => unknown;
  /** What has the word where those do not tell. */
  readonly type: Type;
  readonly check: (data: unknown) => void;
  readonly walk: (bytes: Uint8Array, from: number) => number;
  readonly personal: PersonalData | undefined;
}

type AvscResolver = ReturnType<Type['createResolver']>;

/**
 * Encodes and decodes Avro in Confluent's wire format: a zero byte, the schema's id in four bytes, the value. In memory
 * data is its JSON form: plain JSON, unions unwrapped, decimals and longs beyond 2^53 as strings, dates and times in
 * ISO 8601, bytes in base64. One instance serves a whole process.
 */
export class AvroCodec {
  readonly #compiled: LookUps<Compiled>;
  readonly #resolvers = new Map<string, AvscResolver>();
  readonly #out: Output = { buf: Buffer.alloc(SCRATCH_BYTES), at: 0, items: 0, depth: 0 };
  readonly #in: Input = { bytes: NOTHING, at: 0, end: 0, items: 0, values: 0, depth: 0 };

  constructor(registry: SchemaRegistry, limits: Partial<AvroLimits> = {}) {
    const all = { ...AVRO_LIMITS, ...limits };
    this.#compiled = new LookUps(async (id) => compileSchema(await registry.byId(id), all));
  }

  /**
   * Makes the schema of an id ready. Callers at the same time share one look-up; an id the registry does not have is
   * not asked for again for five seconds, and one that could not be looked up for one second.
   *
   * @throws HeddleError `schema-unknown`, `schema-invalid`, `registry-unavailable`.
   */
  async load(id: number): Promise<void> {
    await this.#compiled.get(id);
  }

  isLoaded(id: number): boolean {
    return this.#compiled.known(id) !== undefined;
  }

  /**
   * The data in wire format; fields left out get their defaults. The schema must be loaded.
   *
   * @throws HeddleError `data-invalid` naming every field that is wrong, unknown ones included.
   */
  encode(id: number, data: unknown): Buffer {
    const compiled = this.#ready(id);
    const out = this.#out;
    out.at = HEADER_BYTES;
    out.items = 0;
    out.depth = 0;
    if (!compiled.write(data, out)) this.#encodeSlowly(compiled, data);
    const wire = Buffer.allocUnsafe(out.at);
    out.buf.copy(wire, HEADER_BYTES, HEADER_BYTES, out.at);
    wire[0] = MAGIC;
    wire[1] = id >>> 24;
    wire[2] = id >>> 16;
    wire[3] = id >>> 8;
    wire[4] = id;
    // One huge event does not keep its memory for ever.
    if (out.buf.length > 32 * SCRATCH_BYTES) out.buf = Buffer.alloc(SCRATCH_BYTES);
    return wire;
  }

  /** Data that is wrong, and the little that is right and rare: longs beyond 2^51, decimals of many digits. */
  #encodeSlowly({ check, type }: Compiled, data: unknown): void {
    check(data);
    const out = this.#out;
    try {
      out.at = type.encode(data, out.buf, HEADER_BYTES);
      if (out.at < 0) {
        // Negative: how many bytes were missing.
        out.buf = Buffer.alloc(Math.ceil((out.buf.length - out.at) * 1.5));
        out.at = type.encode(data, out.buf, HEADER_BYTES);
      }
    } catch (error) {
      throw new HeddleError('data-invalid', 'The data does not fit its schema.', { field: 'data', cause: error });
    }
  }

  /**
   * Holds data to its schema as `encode` does, lengths included: for values that someone else has encoded, for Avro's
   * bytes know no length of a field. The schema must be loaded.
   *
   * @throws HeddleError `data-invalid`.
   */
  check(id: number, data: unknown): void {
    this.#ready(id).check(data);
  }

  /**
   * The data of a value in wire format, in its JSON form. The schema must be loaded.
   *
   * @throws HeddleError `data-invalid` for bytes that are not exactly one value of the schema within the limits.
   */
  decode(wire: Uint8Array): { schemaId: number; data: unknown } {
    const schemaId = schemaIdOf(wire);
    const compiled = this.#ready(schemaId);
    const input = this.#in;
    input.bytes = Buffer.isBuffer(wire) ? wire : Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
    input.at = HEADER_BYTES;
    input.end = wire.length;
    input.items = 0;
    input.values = 0;
    input.depth = 0;
    try {
      const data = compiled.read(input);
      if (input.at === input.end) return { schemaId, data };
    } catch (error) {
      if (error !== NOT_READ) throw error;
    } finally {
      // Bytes of a fetch are not held on to.
      input.bytes = NOTHING;
    }
    return { schemaId, data: this.#read(compiled, wire) };
  }

  /** What is personal in the data of a schema; nothing where none of it is, or the schema is not loaded. */
  personalIn(id: number): PersonalData | undefined {
    return this.#compiled.known(id)?.personal;
  }

  /**
   * The data as another schema sees it; both must be loaded.
   *
   * @throws HeddleError `schema-incompatible` when the reader cannot read what the writer wrote, `data-invalid`.
   */
  decodeAs(wire: Uint8Array, readerId: number): unknown {
    const writerId = schemaIdOf(wire);
    if (writerId === readerId) return this.decode(wire).data;
    return this.#read(this.#ready(writerId), wire, this.#ready(readerId), this.#resolver(writerId, readerId));
  }

  #read(writer: Compiled, wire: Uint8Array, reader: Compiled = writer, resolver?: AvscResolver): unknown {
    const bytes = Buffer.isBuffer(wire) ? wire : Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
    try {
      const end = writer.walk(bytes, HEADER_BYTES);
      if (end !== bytes.length) throw new Error('more bytes follow it');
      return reader.type.decode(bytes, HEADER_BYTES, resolver).value;
    } catch (error) {
      const reason = error instanceof RangeError || !(error instanceof Error) ? 'it cannot be decoded' : error.message;
      throw new HeddleError('data-invalid', `The Avro value is broken: ${reason.slice(0, 200)}.`, {
        field: 'data',
        cause: error,
      });
    }
  }

  #resolver(writerId: number, readerId: number): AvscResolver {
    const key = `${writerId}>${readerId}`;
    let resolver = this.#resolvers.get(key);
    if (resolver === undefined) {
      try {
        resolver = this.#ready(readerId).type.createResolver(this.#ready(writerId).type);
      } catch (error) {
        if (error instanceof HeddleError) throw error;
        const message = `Schema ${readerId} cannot read what schema ${writerId} wrote.`;
        throw new HeddleError('schema-incompatible', message, { cause: error });
      }
      this.#resolvers.set(key, resolver);
    }
    return resolver;
  }

  #ready(id: number): Compiled {
    const compiled = this.#compiled.known(id);
    if (compiled === undefined) throw new HeddleError('schema-unknown', `The schema ${id} is not loaded.`);
    return compiled;
  }
}

/** @throws HeddleError `schema-invalid`. */
export function compileSchema(schema: AvroSchema, limits: AvroLimits = AVRO_LIMITS): Compiled {
  const tree = schemaTree(schema);
  checkSchemaRules(tree);
  return {
    write: dataWriter(tree, limits),
    read: dataReader(tree, limits),
    type: avscType(tree),
    check: dataCheck(tree, limits),
    walk: byteWalker(tree, limits),
    personal: personalData(tree),
  };
}

/**
 * The id of the schema a value in wire format was written with.
 *
 * @throws HeddleError `data-invalid` for fewer than five bytes, or a first byte that is not zero.
 */
export function schemaIdOf(wire: Uint8Array): number {
  if (wire.length < HEADER_BYTES || wire[0] !== MAGIC) {
    throw new HeddleError(
      'data-invalid',
      'The value is not in wire format: a zero byte and a schema id in four bytes.',
      {
        field: 'data',
      },
    );
  }
  return (
    (((wire[1] as number) << 24) | ((wire[2] as number) << 16) | ((wire[3] as number) << 8) | (wire[4] as number)) >>> 0
  );
}
