import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AvroCodec } from './avro-codec.js';
import type { AvroSchema } from './avro-schema.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';

async function codecFor(schema: AvroSchema): Promise<AvroCodec> {
  const registry = new MemorySchemaRegistry();
  registry.byId = () => Promise.resolve(schema);
  const codec = new AvroCodec(registry);
  await codec.load(1);
  return codec;
}

const wire = (hex: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from(hex, 'hex')]);
const symbols: AvroSchema = { type: 'enum', name: 'E', symbols: ['A', 'B'] };

/** The cases that every decoder has to refuse with an error of its own, as Apache Avro lists them (AVRO-4304). */
const VECTORS: [what: string, schema: AvroSchema, hex: string][] = [
  ['a long that goes on after ten bytes', 'long', '80808080808080808080'],
  ['an int that goes on after five bytes', 'int', '8080808080'],
  ['a count of items that has no opposite', { type: 'array', items: 'int' }, 'ffffffffffffffffff0102'],
  ['bytes of a negative length', 'bytes', '01'],
  ['a string of a negative length', 'string', '01'],
  ['a branch below the first', ['null', 'int'], '01'],
  ['a branch beyond the last', ['null', 'int'], '0a'],
  ['a symbol below the first', symbols, '01'],
  ['a symbol beyond the last', symbols, '0a'],
  // Of our own.
  ['an int in six bytes, small as it is', 'int', '828080808000'],
  ['an int of more than 32 bits', 'int', 'ffffffff1f'],
  ['a long of more than 64 bits', 'long', 'ffffffffffffffffff02'],
];

it.each(VECTORS)('%s is refused', async (_what, schema, hex) => {
  const codec = await codecFor(schema);
  expect(() => codec.decode(wire(hex))).toThrow(expect.objectContaining({ code: 'data-invalid' }) as Error);
});

describe('what is not refused', () => {
  it.each([
    ['int', -0x80000000, 0x7fffffff],
    ['long', '-9223372036854775808', '9223372036854775807'],
  ] as const)('is the least and the greatest %s', async (type, least, greatest) => {
    const codec = await codecFor(type);
    for (const value of [least, greatest]) expect(codec.decode(codec.encode(1, value)).data).toBe(value);
  });
});

it('any bytes under a schema with everything in it are data, or refused with an error of ours', async () => {
  const codec = await codecFor({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'i', type: 'int' },
      { name: 'l', type: ['null', 'long'], default: null },
      { name: 'items', type: { type: 'array', items: { type: 'map', values: 'bytes' } } },
      { name: 'e', type: symbols },
      { name: 'next', type: ['null', 'R'], default: null },
    ],
  });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        codec.decode(Buffer.concat([wire(''), bytes]));
      } catch (error) {
        expect(error).toMatchObject({ code: 'data-invalid' });
      }
    }),
    { numRuns: 3000 },
  );
});
