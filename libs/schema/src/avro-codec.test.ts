import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvroCodec, schemaIdOf } from './avro-codec.js';
import type { AvroSchema } from './avro-schema.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);

async function ready(schema: AvroSchema): Promise<number> {
  const id = await registry.register(`subject-${Math.random()}`, schema);
  await codec.load(id);
  return id;
}

async function field(type: unknown, rest: object = {}): Promise<(value: unknown) => unknown> {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'f', type, ...rest }] } as AvroSchema;
  const id = await ready(schema);
  return (value) => (codec.decode(codec.encode(id, value === undefined ? {} : { f: value })).data as { f: unknown }).f;
}

function problemsOf(run: () => unknown): readonly { field: string; rule: string }[] {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ code: 'data-invalid' });
    return (error as HeddleError).fields ?? [];
  }
  throw new Error('nothing was refused');
}

describe('the JSON form', () => {
  it.each([
    ['decimal', { type: 'bytes', logicalType: 'decimal', precision: 16, scale: 3 }, '-1234.500', '-1234.500'],
    ['decimal, fewer places given', { type: 'bytes', logicalType: 'decimal', precision: 16, scale: 3 }, '12', '12.000'],
    [
      'decimal of zero scale',
      { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 0 },
      '-123456789012345678901234567890',
      '-123456789012345678901234567890',
    ],
    [
      'decimal on fixed',
      { type: 'fixed', name: 'D', size: 8, logicalType: 'decimal', precision: 18, scale: 2 },
      '-9999999999999999.99',
      '-9999999999999999.99',
    ],
    ['long within 2^53', 'long', -9007199254740991, -9007199254740991],
    ['long beyond 2^53', 'long', '9223372036854775807', '9223372036854775807'],
    ['least long', 'long', '-9223372036854775808', '-9223372036854775808'],
    ['small long as a string', 'long', '42', 42],
    ['date', { type: 'int', logicalType: 'date' }, '1969-12-31', '1969-12-31'],
    ['leap day', { type: 'int', logicalType: 'date' }, '2024-02-29', '2024-02-29'],
    ['first years', { type: 'int', logicalType: 'date' }, '0001-01-01', '0001-01-01'],
    ['time-millis', { type: 'int', logicalType: 'time-millis' }, '23:59:59.999', '23:59:59.999'],
    ['time-micros', { type: 'long', logicalType: 'time-micros' }, '00:00:00.000001', '00:00:00.000001'],
    [
      'timestamp-millis',
      { type: 'long', logicalType: 'timestamp-millis' },
      '1969-12-31T23:59:59.999Z',
      '1969-12-31T23:59:59.999Z',
    ],
    [
      'timestamp with an offset',
      { type: 'long', logicalType: 'timestamp-millis' },
      '2026-01-31T12:00:00+02:00',
      '2026-01-31T10:00:00.000Z',
    ],
    [
      'timestamp-micros',
      { type: 'long', logicalType: 'timestamp-micros' },
      '9999-12-31T23:59:59.999999Z',
      '9999-12-31T23:59:59.999999Z',
    ],
    [
      'timestamp-micros before 1970',
      { type: 'long', logicalType: 'timestamp-micros' },
      '1969-12-31T23:59:59.999999Z',
      '1969-12-31T23:59:59.999999Z',
    ],
    [
      'local-timestamp-millis',
      { type: 'long', logicalType: 'local-timestamp-millis' },
      '2026-01-31T12:00:00.000',
      '2026-01-31T12:00:00.000',
    ],
    [
      'local-timestamp-micros',
      { type: 'long', logicalType: 'local-timestamp-micros' },
      '2026-01-31T12:00:00.000001',
      '2026-01-31T12:00:00.000001',
    ],
    [
      'uuid',
      { type: 'string', logicalType: 'uuid' },
      '01890a5d-ac96-774b-bcce-b302099a8057',
      '01890a5d-ac96-774b-bcce-b302099a8057',
    ],
    [
      'uuid on fixed',
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      '01890a5d-ac96-774b-bcce-b302099a8057',
      '01890a5d-ac96-774b-bcce-b302099a8057',
    ],
    ['bytes', 'bytes', 'AP8=', 'AP8='],
    ['fixed', { type: 'fixed', name: 'F', size: 2 }, 'AP8=', 'AP8='],
    ['not a number', 'double', 'NaN', 'NaN'],
    ['infinity', 'float', '-Infinity', '-Infinity'],
    ['unwrapped union', ['null', 'boolean', 'double', 'string'], 1.5, 1.5],
    [
      'unwrapped record in a union',
      ['null', { type: 'record', name: 'In', fields: [{ name: 'x', type: 'int' }] }],
      { x: 1 },
      { x: 1 },
    ],
    ['unknown logical type, read as the type beneath', { type: 'string', logicalType: 'colour' }, 'red', 'red'],
  ])('of %s', async (_name, type, given, kept) => {
    expect((await field(type))(given)).toEqual(kept);
  });

  it.each([
    [
      'decimal with too many places',
      { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 },
      '1.234',
      'decimal places',
    ],
    [
      'decimal with too many digits',
      { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 },
      '123.4',
      'digits before',
    ],
    ['decimal as a number', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, 1.5, 'as a string'],
    ['long with a fraction', 'long', 1.5, '64 bits'],
    ['long of 65 bits', 'long', '9223372036854775808', '64 bits'],
    ['int of 33 bits', 'int', 2 ** 31, '32 bits'],
    ['day that does not exist', { type: 'int', logicalType: 'date' }, '2026-02-29', 'a date'],
    ['hour that does not exist', { type: 'int', logicalType: 'time-millis' }, '24:00:00', 'a time'],
    [
      'timestamp without an offset',
      { type: 'long', logicalType: 'timestamp-millis' },
      '2026-01-31T12:00:00',
      'with an offset',
    ],
    [
      'local timestamp with one',
      { type: 'long', logicalType: 'local-timestamp-millis' },
      '2026-01-31T12:00:00Z',
      'without an offset',
    ],
    [
      'timestamp finer than its unit',
      { type: 'long', logicalType: 'timestamp-millis' },
      '2026-01-31T12:00:00.0001Z',
      'fraction',
    ],
    ['uuid', { type: 'string', logicalType: 'uuid' }, '01890a5d', 'UUID'],
    ['base64', 'bytes', 'AP8', 'base64'],
    ['fixed of another size', { type: 'fixed', name: 'F', size: 2 }, 'AA==', '2 bytes'],
    ['string that is too long', { type: 'string', maxLength: 2 }, 'abc', 'at most 2 characters'],
    ['half of a surrogate pair', 'string', '\ud800', 'surrogate'],
    ['symbol', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'C', 'one of A, B'],
    ['branch', ['null', 'int'], 'x', 'null or number'],
    ['null', 'string', null, 'a string'],
    ['missing value', 'string', undefined, 'is required'],
  ])('is refused, naming field and rule: %s', async (_name, type, given, rule) => {
    const through = await field(type);
    expect(problemsOf(() => through(given))).toEqual([
      { field: 'data.f', rule: expect.stringContaining(rule) as string },
    ]);
  });

  it('counts characters as people do: a pair of surrogates is one', async () => {
    expect((await field({ type: 'string', maxLength: 2 }))('🧵🧵')).toBe('🧵🧵');
  });

  it('gives fields that were left out their defaults', async () => {
    expect((await field(['null', 'string'], { default: null }))(undefined)).toBeNull();
    expect((await field('bytes', { default: '\u0000\u00ff' }))(undefined)).toBe('AP8=');
    expect((await field({ type: 'int', logicalType: 'date' }, { default: 1 }))(undefined)).toBe('1970-01-02');
    const record = { type: 'record', name: 'D', fields: [{ name: 'x', type: 'long', default: 7 }] };
    expect((await field(record, { default: {} }))(undefined)).toEqual({ x: 7 });
  });
});

describe('data', () => {
  const item = { type: 'record', name: 'Item', fields: [{ name: 'Material', type: { type: 'string', maxLength: 3 } }] };
  const order = {
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'to_Item', type: { type: 'array', items: item }, default: [] },
      { name: 'prices', type: { type: 'map', values: 'double' }, default: {} },
    ],
  } as AvroSchema;

  it('that is wrong in several places is refused once, with every path', async () => {
    const id = await ready(order);
    const data = {
      id: 1,
      to_Item: [{ Material: 'ok' }, { Material: 'too long' }, {}],
      prices: { EUR: '1' },
      extra: true,
    };
    expect(problemsOf(() => codec.encode(id, data)).map(({ field: path }) => path)).toEqual([
      'data.id',
      'data.to_Item.1.Material',
      'data.to_Item.2.Material',
      'data.prices.EUR',
      'data.extra',
    ]);
  });

  it('of another kind altogether is refused', async () => {
    const id = await ready(order);
    for (const data of [null, undefined, 'text', 4, [], true]) {
      expect(problemsOf(() => codec.encode(id, data))[0]).toEqual({ field: 'data', rule: 'must be an object' });
    }
  });

  it('is plain after decoding: equal to a literal, with no class of its own', async () => {
    const id = await ready(order);
    const { data } = codec.decode(codec.encode(id, { id: 'a', to_Item: [{ Material: 'x' }] }));
    expect(data).toStrictEqual({ id: 'a', to_Item: [{ Material: 'x' }], prices: {} });
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });

  it('larger than the scratch buffer is encoded whole, and the next small one too', async () => {
    const id = await ready('string');
    const large = 'x'.repeat(3_000_000);
    expect(codec.decode(codec.encode(id, large)).data).toBe(large);
    expect(codec.decode(codec.encode(id, 'small')).data).toBe('small');
  });

  it('that others encoded without regard to lengths can be held to them after decoding', async () => {
    const wire = codec.encode(await ready('string'), 'too long');
    const id = await ready({ type: 'string', maxLength: 3 });
    const { data } = codec.decode(wire);
    expect(problemsOf(() => codec.check(id, data))).toEqual([
      { field: 'data', rule: 'must have at most 3 characters' },
    ]);
    expect(codec.check(id, 'abc')).toBeUndefined();
  });

  it('of one encoding is not changed by the next', async () => {
    const id = await ready('string');
    const first = codec.encode(id, 'first');
    codec.encode(id, 'other');
    expect(codec.decode(first).data).toBe('first');
  });

  it('carries the id of its schema in wire format', async () => {
    const id = await ready('string');
    const wire = codec.encode(id, 'a');
    expect([...wire]).toEqual([0, 0, 0, 0, id, 2, 97]);
    expect(schemaIdOf(new Uint8Array([0, 0xff, 0xff, 0xff, 0xff]))).toBe(0xffffffff);
    expect(codec.decode(new Uint8Array(wire))).toEqual({ schemaId: id, data: 'a' });
  });

  it('is read through another version: new fields get defaults, old ones go', async () => {
    const versions = [
      {
        type: 'record',
        name: 'V',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'old', type: 'string', default: '' },
        ],
      },
      {
        type: 'record',
        name: 'V',
        fields: [
          { name: 'a', type: 'long' },
          { name: 'at', type: ['null', 'string'], default: null },
        ],
      },
    ] as AvroSchema[];
    const [writer, reader] = [await ready(versions[0] as AvroSchema), await ready(versions[1] as AvroSchema)];
    const wire = codec.encode(writer, { a: 5, old: 'x' });
    expect(codec.decodeAs(wire, reader)).toStrictEqual({ a: 5, at: null });
    expect(codec.decodeAs(wire, writer)).toStrictEqual({ a: 5, old: 'x' });
  });

  it('is not read through a schema that means something else', async () => {
    const wire = codec.encode(
      await ready({ type: 'long', logicalType: 'timestamp-millis' }),
      '2026-01-31T12:00:00.000Z',
    );
    const micros = await ready({ type: 'long', logicalType: 'timestamp-micros' });
    expect(() => codec.decodeAs(wire, micros)).toThrow(expect.objectContaining({ code: 'schema-incompatible' }));
    expect(codec.decodeAs(wire, await ready('long'))).toBe(1769860800000);
  });
});

describe('loading a schema', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function counting(answer: () => Promise<AvroSchema>): { codec: AvroCodec; calls: () => number } {
    const source = new MemorySchemaRegistry();
    const byId = vi.spyOn(source, 'byId').mockImplementation(answer);
    return { codec: new AvroCodec(source), calls: () => byId.mock.calls.length };
  }

  it('asks the registry once, however many wait for it', async () => {
    const { codec: fresh, calls } = counting(async () => 'string');
    await Promise.all(Array.from({ length: 20 }, () => fresh.load(1)));
    await fresh.load(1);
    expect(calls()).toBe(1);
    expect(fresh.isLoaded(1)).toBe(true);
  });

  it('remembers for five seconds that the registry has no such schema, then asks again', async () => {
    const { codec: fresh, calls } = counting(async () => {
      throw new HeddleError('schema-unknown', 'none');
    });
    for (let i = 0; i < 5; i += 1) await expect(fresh.load(1)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(calls()).toBe(1);
    vi.advanceTimersByTime(5_001);
    await expect(fresh.load(1)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(calls()).toBe(2);
  });

  it('tries a registry that is away once a second, and succeeds when it is back', async () => {
    let away = true;
    const { codec: fresh, calls } = counting(async () => {
      if (away) throw new HeddleError('registry-unavailable', 'away');
      return 'string';
    });
    for (let i = 0; i < 5; i += 1) await expect(fresh.load(1)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(calls()).toBe(1);
    away = false;
    vi.advanceTimersByTime(1_001);
    await fresh.load(1);
    expect(fresh.isLoaded(1)).toBe(true);
  });

  it('is needed before encoding and decoding', () => {
    const { codec: fresh } = counting(async () => 'string');
    expect(() => fresh.encode(1, 'a')).toThrow(expect.objectContaining({ code: 'schema-unknown' }));
    expect(() => fresh.decode(Buffer.from([0, 0, 0, 0, 1, 2, 97]))).toThrow(
      expect.objectContaining({ code: 'schema-unknown' }),
    );
  });
});
