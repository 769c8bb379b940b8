import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AvroCodec, compileSchema } from './avro-codec.js';
import type { AvroSchema } from './avro-schema.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';
import { loadSchemaFiles } from './schema-files.js';
import { schemaTree, type FixedNode, type PrimitiveNode, type SchemaNode } from './schema-tree.js';

/** Values in the canonical JSON form: what decoding gives back unchanged. */
function dataOf(node: SchemaNode, depth = 0): fc.Arbitrary<unknown> {
  switch (node.kind) {
    case 'record':
      return fc.record(Object.fromEntries(node.fields.map((field) => [field.name, dataOf(field.type, depth + 1)])));
    case 'array':
      return fc.array(dataOf(node.items, depth + 1), { maxLength: depth > 6 ? 0 : 4 });
    case 'map':
      return fc
        .array(
          fc.tuple(
            fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'),
            dataOf(node.values, depth + 1),
          ),
          { maxLength: depth > 6 ? 0 : 4 },
        )
        .map((entries) => Object.fromEntries(entries));
    case 'union': {
      const branches = depth > 6 ? node.branches.slice(0, 1) : node.branches;
      return fc.oneof(...branches.map((branch) => dataOf(branch, depth + 1)));
    }
    case 'enum':
      return fc.constantFrom(...node.symbols);
    default:
      return node.logical === undefined ? plainOf(node) : logicalOf(node);
  }
}

function plainOf(node: PrimitiveNode | FixedNode): fc.Arbitrary<unknown> {
  switch (node.kind) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.integer();
    case 'long':
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => {
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value.toString();
      });
    case 'float':
      return fc.float().map((value) => (Number.isFinite(value) ? value : String(value)));
    case 'double':
      return fc.double().map((value) => (Number.isFinite(value) ? value : String(value)));
    case 'bytes':
      return fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'fixed':
      return fc
        .uint8Array({ minLength: node.size, maxLength: node.size })
        .map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'string':
      return fc.string({ unit: 'binary', maxLength: node.maxLength ?? 200 }).map((text) =>
        Array.from(text)
          .slice(0, node.maxLength ?? 200)
          .join(''),
      );
  }
}

function logicalOf(node: PrimitiveNode | FixedNode): fc.Arbitrary<unknown> {
  const millis = { min: -8.64e15, max: 8.64e15 };
  const iso = fc.integer(millis).map((ms) => new Date(ms).toISOString());
  const micros = fc.integer({ min: 0, max: 999 }).map((value) => String(value).padStart(3, '0'));
  const fine = fc
    .tuple(fc.integer({ min: -8.64e15, max: 8.64e15 - 1 }), micros)
    .map(([ms, below]) => new Date(ms).toISOString().slice(0, -1) + below);
  switch (node.logical) {
    case 'decimal': {
      const { precision = 1, scale = 0 } = node;
      return fc.bigInt(-(10n ** BigInt(precision)) + 1n, 10n ** BigInt(precision) - 1n).map((unscaled) => {
        const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
        const point = digits.length - scale;
        return (unscaled < 0n ? '-' : '') + digits.slice(0, point) + (scale === 0 ? '' : `.${digits.slice(point)}`);
      });
    }
    case 'uuid':
      return fc.uuid();
    case 'date':
      return iso.map((text) => text.slice(0, text.indexOf('T')));
    case 'time-millis':
      return iso.map((text) => text.slice(text.indexOf('T') + 1, -1));
    case 'time-micros':
      return fine.map((text) => text.slice(text.indexOf('T') + 1));
    case 'timestamp-millis':
      return iso;
    case 'timestamp-micros':
      return fine.map((text) => `${text}Z`);
    case 'local-timestamp-millis':
      return iso.map((text) => text.slice(0, -1));
    default:
      return fine;
  }
}

const EVERYTHING = {
  type: 'record',
  name: 'Everything',
  namespace: 'heddle.test.v1',
  fields: [
    { name: 'nothing', type: 'null' },
    { name: 'truth', type: 'boolean' },
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'float', type: 'float' },
    { name: 'double', type: 'double' },
    { name: 'bytes', type: 'bytes' },
    { name: 'text', type: 'string' },
    { name: 'short', type: { type: 'string', maxLength: 3 } },
    { name: 'fixed', type: { type: 'fixed', name: 'Five', size: 5 } },
    { name: 'again', type: 'Five' },
    { name: 'symbol', type: { type: 'enum', name: 'Symbol', symbols: ['A', 'B', 'C'] } },
    { name: 'decimal', type: { type: 'bytes', logicalType: 'decimal', precision: 40, scale: 7 } },
    {
      name: 'fixedDecimal',
      type: { type: 'fixed', name: 'Money', size: 8, logicalType: 'decimal', precision: 18, scale: 18 },
    },
    { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'uuidBytes', type: { type: 'fixed', name: 'UuidBytes', size: 16, logicalType: 'uuid' } },
    { name: 'date', type: { type: 'int', logicalType: 'date' } },
    { name: 'timeMillis', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'timeMicros', type: { type: 'long', logicalType: 'time-micros' } },
    { name: 'millis', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'localMillis', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    { name: 'localMicros', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
    { name: 'list', type: { type: 'array', items: ['null', 'double', 'boolean', 'string'] } },
    { name: 'map', type: { type: 'map', values: { type: 'array', items: 'long' } } },
    { name: 'amount', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }] },
    { name: 'self', type: ['null', 'Everything'] },
  ],
} as AvroSchema;

const files = await loadSchemaFiles(new URL('../../../schemas/', import.meta.url).pathname);
const schemas: [string, AvroSchema][] = [
  ['every Avro type', EVERYTHING],
  ...files.map(({ file, schema }): [string, AvroSchema] => [file, schema]),
];

describe.each(schemas)('data of %s', (_name, schema) => {
  it('comes back from the wire as it was, and its bytes too', async () => {
    const registry = new MemorySchemaRegistry();
    const codec = new AvroCodec(registry);
    const id = await registry.register('round-trip', schema);
    await codec.load(id);
    fc.assert(
      fc.property(dataOf(schemaTree(schema)), (data) => {
        const wire = codec.encode(id, data);
        const decoded = codec.decode(wire);
        expect(decoded).toEqual({ schemaId: id, data });
        expect(codec.encode(id, decoded.data).equals(wire)).toBe(true);
        // What is JSON stays it: the form holds nothing that a text of it would lose.
        expect(codec.encode(id, JSON.parse(JSON.stringify(decoded.data))).equals(wire)).toBe(!holdsMinusZero(data));
      }),
      { numRuns: 200 },
    );
  });

  it('is the same on the short way, which checks and writes at once, as on the long one', async () => {
    const registry = new MemorySchemaRegistry();
    const codec = new AvroCodec(registry);
    const id = await registry.register('short-way', schema);
    await codec.load(id);
    const { check, type } = compileSchema(schema);
    fc.assert(
      fc.property(dataOf(schemaTree(schema)), (data) => {
        check(data);
        const wire = codec.encode(id, data);
        expect(type.toBuffer(data).equals(wire.subarray(5))).toBe(true);
        expect(type.fromBuffer(wire.subarray(5))).toEqual(codec.decode(wire).data);
      }),
      { numRuns: 200 },
    );
  });

  it('is only ever decoded or refused, whatever the bytes', async () => {
    const registry = new MemorySchemaRegistry();
    const codec = new AvroCodec(registry);
    const id = await registry.register('noise', schema);
    await codec.load(id);
    const { type, walk } = compileSchema(schema);
    fc.assert(
      fc.property(
        dataOf(schemaTree(schema)),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
        (data, changes) => {
          const wire = codec.encode(id, data);
          for (const [at, byte] of changes) wire[5 + (at % Math.max(1, wire.length - 5))] = byte;
          try {
            const { data: decoded } = codec.decode(wire);
            expect(walk(wire, 5)).toBe(wire.length);
            expect(decoded).toEqual(type.decode(wire, 5).value);
          } catch (error) {
            expect(error).toMatchObject({ code: 'data-invalid' });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

it('of the schemas of this repository goes the short way', () => {
  for (const { schema, description, file } of files) {
    const { write, read, type } = compileSchema(schema);
    const out = { buf: Buffer.alloc(1000), at: 0, items: 0, depth: 0 };
    expect(write(description.example, out), file).toBe(true);
    const bytes = out.buf.subarray(0, out.at);
    expect(bytes.equals(type.toBuffer(description.example)), file).toBe(true);
    const input = { bytes, at: 0, end: bytes.length, items: 0, values: 0, depth: 0 };
    expect(read(input), file).toEqual(type.fromBuffer(bytes));
  }
});

/** JSON writes -0 as 0. */
function holdsMinusZero(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return Object.is(data, -0);
  return Object.values(data).some(holdsMinusZero);
}
