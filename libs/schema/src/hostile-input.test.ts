import { describe, expect, it } from 'vitest';
import { AvroCodec } from './avro-codec.js';
import { SCHEMA_LIMITS, type AvroSchema } from './avro-schema.js';
import type { AvroLimits } from './byte-walker.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';
import type { SchemaRegistry } from './schema-registry.js';

/** A registry in other hands: it has whatever schema it likes, unchecked. */
async function codecFor(schema: unknown, limits: Partial<AvroLimits> = {}): Promise<AvroCodec> {
  const registry: SchemaRegistry = new MemorySchemaRegistry();
  registry.byId = async () => schema as AvroSchema;
  const codec = new AvroCodec(registry, limits);
  await codec.load(1);
  return codec;
}

function long(value: number | bigint): number[] {
  let bits = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  while (bits >= 0x80n) {
    bytes.push(Number(bits & 0x7fn) | 0x80);
    bits >>= 7n;
  }
  return [...bytes, Number(bits)];
}

const wire = (...value: number[]): Buffer => Buffer.from([0, 0, 0, 0, 1, ...value]);
const broken = (reason: string) =>
  expect.objectContaining({ code: 'data-invalid', message: expect.stringContaining(reason) as string }) as Error;

describe('bytes that are no honest value are refused before they cost anything', () => {
  it('a count of items that the bytes left cannot hold', async () => {
    const codec = await codecFor({ type: 'array', items: 'double' });
    expect(() => codec.decode(wire(...long(50_000), 0))).toThrow(broken('more items than there are bytes'));
    expect(() => codec.decode(wire(...long(-50_000), ...long(1), 0))).toThrow(
      broken('more items than there are bytes'),
    );
    const map = await codecFor({ type: 'map', values: 'int' });
    expect(() => map.decode(wire(...long(50_000), 0))).toThrow(broken('more items than there are bytes'));
  });

  it('more items than allowed, in one block or in many', async () => {
    const codec = await codecFor({ type: 'array', items: 'boolean' });
    expect(() => codec.decode(wire(...long(50_000_000), 0))).toThrow(broken('more than 100000 items'));
    expect(() => codec.decode(wire(...long(2n ** 63n - 1n), 0))).toThrow(broken('more than 100000 items'));
    expect(() => codec.decode(wire(...long(-(2n ** 63n)), 0, 0))).toThrow(broken('more than 100000 items'));
    const blocks = Array.from({ length: 3 }, () => [...long(40_000), ...Buffer.alloc(40_000, 1)]).flat();
    expect(() => codec.decode(Buffer.concat([wire(), Buffer.from(blocks), Buffer.from([0])]))).toThrow(
      broken('more than 100000 items'),
    );
    const allowed = Buffer.concat([wire(...long(100_000)), Buffer.alloc(100_000, 1), Buffer.from([0])]);
    expect((codec.decode(allowed).data as unknown[]).length).toBe(100_000);
  });

  it('items that are small in bytes and large in memory', async () => {
    const fields = Array.from({ length: 500 }, (_, i) => ({ name: `f${i}`, type: 'null' }));
    const codec = await codecFor({
      type: 'array',
      items: { type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }, ...fields] },
    });
    expect(() => codec.decode(Buffer.concat([wire(...long(90_000)), Buffer.alloc(90_000), Buffer.from([0])]))).toThrow(
      broken('values'),
    );
  });

  it('nesting deeper than 64, and never a stack that overflows', async () => {
    const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'], default: null }] };
    const codec = await codecFor(list);
    const nested = (depth: number): Buffer => Buffer.concat([wire(), Buffer.alloc(depth - 1, 2), Buffer.from([0])]);
    expect(() => codec.decode(nested(100_000))).toThrow(broken('deeper than 64'));
    expect(() => codec.decode(nested(65))).toThrow(broken('deeper than 64'));
    expect(codec.decode(nested(64)).schemaId).toBe(1);
    let data: unknown = null;
    for (let i = 0; i < 64; i += 1) data = { next: data };
    expect(codec.decode(codec.encode(1, data)).data).toEqual(data);
    for (let i = 0; i < 100_000; i += 1) data = { next: data };
    expect(() => codec.encode(1, data)).toThrow(expect.objectContaining({ code: 'data-invalid' }));
  });

  it('what is cut short, at every byte', async () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 's', type: 'string' },
        { name: 'd', type: 'double' },
        { name: 'l', type: 'long' },
        { name: 'm', type: { type: 'map', values: ['null', 'float'] } },
        { name: 'f', type: { type: 'fixed', name: 'F', size: 3 } },
        { name: 'b', type: 'boolean' },
      ],
    };
    const codec = await codecFor(schema);
    const data = { s: 'héddle', d: 1.5, l: '9007199254740993', m: { a: null, b: 1.5 }, f: 'AAEC', b: true };
    const whole = codec.encode(1, data);
    expect(codec.decode(whole).data).toEqual(data);
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => codec.decode(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'data-invalid' }));
    }
  });

  it('trailing bytes, a bad first byte, negative lengths, numbers without end, branches that are not there', async () => {
    const text = await codecFor('string');
    expect(() => text.decode(wire(2, 97, 0))).toThrow(broken('more bytes follow'));
    expect(() => text.decode(Buffer.from([1, 0, 0, 0, 1, 2, 97]))).toThrow(broken('wire format'));
    expect(() => text.decode(wire(...long(-1)))).toThrow(broken('negative'));
    expect(() => text.decode(wire(...long(-100_000)))).toThrow(broken('negative'));
    expect(() => text.decode(wire(...Buffer.alloc(20, 0xff), 0))).toThrow(broken('too many bytes'));
    const union = await codecFor(['null', 'int']);
    for (const index of [2, -1, 2n ** 40n]) expect(() => union.decode(wire(...long(index)))).toThrow(broken('number'));
    expect(() => union.decode(wire(2, ...long(2 ** 31)))).toThrow(broken('32 bits'));
    const symbol = await codecFor({ type: 'enum', name: 'E', symbols: ['A'] });
    expect(() => symbol.decode(wire(2))).toThrow(broken('number 1 of 1'));
  });

  it('moments and decimals that do not exist', async () => {
    const stamp = await codecFor({ type: 'long', logicalType: 'timestamp-millis' });
    expect(() => stamp.decode(wire(...long(2n ** 62n)))).toThrow(broken('out of range'));
    const time = await codecFor({ type: 'int', logicalType: 'time-millis' });
    expect(() => time.decode(wire(...long(-1)))).toThrow(broken('out of range'));
    const decimal = await codecFor({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 });
    expect(() => decimal.decode(wire(...long(1), 100))).toThrow(broken('too many digits'));
    expect(() => decimal.decode(Buffer.concat([wire(...long(60_000)), Buffer.alloc(60_000, 0x7f)]))).toThrow(
      broken('too many bytes'),
    );
  });

  it('a map key that JavaScript would take for a prototype, on both ways', async () => {
    const codec = await codecFor({ type: 'map', values: { type: 'map', values: 'int' } });
    const key = [...long(9), ...Buffer.from('__proto__')];
    expect(() => codec.decode(wire(...long(1), ...key, 0, 0))).toThrow(broken('__proto__'));
    expect(() => codec.encode(1, JSON.parse('{"__proto__":{"x":1}}'))).toThrow(
      expect.objectContaining({ code: 'data-invalid' }),
    );
    expect(codec.decode(codec.encode(1, { constructor: { a: 1 } })).data).toEqual({ constructor: { a: 1 } });
  });
});

describe('a schema that could be abused is refused', () => {
  const record = (...fields: unknown[]) => ({
    type: 'record',
    name: 'R',
    fields: fields.map((type, i) => ({ name: `f${i}`, type })),
  });
  const nested = (depth: number): unknown => {
    let type: unknown = 'int';
    for (let i = 0; i < depth; i += 1) type = { type: 'array', items: type };
    return type;
  };
  const doubling = (): unknown => {
    let type: unknown = { type: 'record', name: 'R0', fields: [{ name: 'x', type: 'null' }] };
    for (let i = 1; i < 60; i += 1) {
      type = {
        type: 'record',
        name: `R${i}`,
        fields: [
          { name: 'a', type },
          { name: 'b', type: `R${i - 1}` },
        ],
      };
    }
    return type;
  };

  it.each<[string, unknown, string]>([
    ['an array of nulls', { type: 'array', items: 'null' }, 'no bytes'],
    ['an array of empty records', { type: 'array', items: { type: 'record', name: 'E', fields: [] } }, 'no bytes'],
    ['an array of records of nulls', { type: 'array', items: record('null', 'null') }, 'no bytes'],
    ['an array of fixed without size', { type: 'array', items: { type: 'fixed', name: 'Z', size: 0 } }, 'no bytes'],
    [
      'such an array somewhere within',
      record('string', ['null', { type: 'map', values: { type: 'array', items: 'null' } }]),
      'no bytes',
    ],
    ['a record that needs itself', { type: 'record', name: 'S', fields: [{ name: 's', type: 'S' }] }, 'without end'],
    ['nesting that no stack could hold', nested(20_000), 'cannot be written'],
    ['nesting of 65', nested(66), 'deeper'],
    ['more than 256 KiB', { type: 'string', doc: 'x'.repeat(SCHEMA_LIMITS.bytes) }, 'bytes'],
    [
      'more than 1,000 names',
      record(...Array.from({ length: 1001 }, (_, i) => ({ type: 'fixed', name: `N${i}`, size: 1 }))),
      'names',
    ],
    ['records that double at each level', doubling(), 'written out'],
    ['a union of bytes and string', ['bytes', 'string'], 'both a JSON string'],
    ['a union of two records', [record('int'), { type: 'record', name: 'Q', fields: [] }], 'both a JSON object'],
    ['a union of int and double', ['null', 'int', 'double'], 'both a JSON number'],
    ['a union of long and string', ['long', 'string'], 'both a JSON string'],
    [
      'a union of a timestamp and a string',
      [{ type: 'long', logicalType: 'timestamp-millis' }, 'string'],
      'both a JSON string',
    ],
    ['a union in a union', ['null', ['null', 'int']], 'union within a union'],
    ['a name that is not defined', record('Nowhere'), 'not defined'],
    [
      'a name defined twice',
      record({ type: 'fixed', name: 'N', size: 1 }, { type: 'fixed', name: 'N', size: 1 }),
      'second time',
    ],
    [
      'a field twice',
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ],
      },
      'twice',
    ],
    [
      'a field named __proto__',
      { type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'int' }] },
      'keeps for itself',
    ],
    [
      'a field whose name is code',
      { type: 'record', name: 'R', fields: [{ name: 'a;process.exit()', type: 'int' }] },
      'letters',
    ],
    [
      'a default that does not fit',
      { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', default: 'x' }] },
      'default',
    ],
    [
      'a decimal that its bytes cannot hold',
      { type: 'fixed', name: 'D', size: 1, logicalType: 'decimal', precision: 3 },
      'cannot hold',
    ],
    ['no schema at all', { some: 'thing' }, 'neither'],
    ['null', null, 'neither'],
  ])('%s', async (_name, schema, reason) => {
    await expect(codecFor(schema)).rejects.toMatchObject({
      code: 'schema-invalid',
      message: expect.stringContaining(reason) as string,
    });
  });

  it('while one that holds itself where it may is not', async () => {
    const codec = await codecFor({
      type: 'record',
      name: 'Tree',
      fields: [{ name: 'children', type: { type: 'array', items: 'Tree' } }],
    });
    const tree = { children: [{ children: [] }, { children: [{ children: [] }] }] };
    expect(codec.decode(codec.encode(1, tree)).data).toEqual(tree);
  });
});
