import { HeddleError } from '@heddle/event';
import fc from 'fast-check';
import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { AmqpReader, DescribedValue } from './amqp-value.js';
import { AmqpWriter } from './amqp-writer.js';

/** The types of rhea as far as they are wanted here: it writes what we are to read, and reads what we have written. */
const { types } = rhea as unknown as {
  types: {
    Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
    Reader: new (bytes: Buffer) => { read(): unknown };
    unwrap(value: unknown): unknown;
    wrap(value: unknown): unknown;
    [wrap: `wrap_${string}`]: (value: unknown, code?: number) => unknown;
  };
};

function writtenByRhea(typed: unknown): Buffer {
  const writer = new types.Writer();
  writer.write(typed);
  return writer.toBuffer();
}

function read(bytes: Buffer): unknown {
  const reader = new AmqpReader(bytes);
  const value = reader.value();
  expect(reader.isAtEnd).toBe(true);
  return value;
}

function refusal(bytes: Buffer): string {
  try {
    new AmqpReader(bytes).value();
  } catch (error) {
    expect(error).toBeInstanceOf(HeddleError);
    return (error as HeddleError).message;
  }
  throw new Error('It was read.');
}

describe('AMQP values', () => {
  it('are read as another implementation has written them', () => {
    for (const [wrap, value, wanted = value] of [
      ['ulong', 2 ** 40],
      ['uint', 4_294_967_295],
      ['ushort', 65_535],
      ['ubyte', 255],
      ['long', -300],
      ['int', -70_000],
      ['short', -300],
      ['byte', -5],
      ['double', 1.5],
      ['boolean', true],
      ['string', 'ä'.repeat(300)],
      ['symbol', 'amqp:accepted:list'],
      ['binary', Buffer.from('abc')],
      ['timestamp', 1_700_000_000_000, new Date(1_700_000_000_000)],
      ['list', [1, 'two', [null, true]]],
      [
        'map',
        { a: 1, b: 'two' },
        new Map<string, unknown>([
          ['a', 1],
          ['b', 'two'],
        ]),
      ],
    ] as const) {
      expect([wrap, read(writtenByRhea(types[`wrap_${wrap}`]!(value)))]).toEqual([wrap, wanted]);
    }
    expect(read(writtenByRhea(types.wrap_array!(['a', 'b'], 0xa3)))).toEqual(['a', 'b']);
  });

  it('are written so that another implementation reads them', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 600 }),
        fc.uint8Array({ maxLength: 600 }),
        fc.nat(4_294_967_295),
        fc.boolean(),
        (text, bytes, number, truth) => {
          const writer = new AmqpWriter(10);
          const list = writer.beginList();
          writer.string(text);
          writer.binary(bytes);
          writer.uint(number);
          writer.boolean(truth);
          writer.null();
          writer.symbols(['one', 'two']);
          writer.timestamp(number);
          writer.end(list, 7);
          const written = Buffer.from(writer.take().subarray(10));
          const [readText, readBytes, ...rest] = types.unwrap(new types.Reader(written).read()) as unknown[];
          expect([readText, Buffer.from(readBytes as Buffer)]).toEqual([text, Buffer.from(bytes)]);
          expect(rest.slice(0, 4)).toEqual([number, truth, null, ['one', 'two']]);
          expect(read(written)).toEqual([
            ...[text, Buffer.from(bytes), number, truth, null, ['one', 'two']],
            new Date(number),
          ]);
        },
      ),
    );
  });

  it('that stand for more than there is memory are refused before anything is made of them', () => {
    const count = Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff]);
    for (const withoutBytes of [0x40, 0x41, 0x43, 0x45]) {
      expect(refusal(Buffer.concat([count, Buffer.from([withoutBytes])]))).toContain('more than 100000 values');
    }
    expect(refusal(Buffer.alloc(1000, Buffer.from([0xc0, 200, 1])))).toContain('deep within each other');
    expect(refusal(Buffer.alloc(1000, 0x00))).toContain('deep within each other');
  });

  it('that are cut off, or lie about their size, are refused', () => {
    expect(refusal(Buffer.from([0xa1, 5, 0x61]))).toContain('cut off');
    expect(refusal(Buffer.from([0xb0, 0xff, 0xff, 0xff, 0xff]))).toContain('cut off');
    expect(refusal(Buffer.from([0xc0, 3, 1, 0x40, 0x40]))).toContain('another size');
    expect(refusal(Buffer.from([0xc1, 2, 1, 0x40]))).toContain('without a value');
    expect(refusal(Buffer.from([0x3f]))).toContain('no type');
  });

  it('have names of members that mean nothing to objects', () => {
    const map = read(writtenByRhea(types.wrap_map!(JSON.parse('{"__proto__":"x","constructor":"y"}')))) as Map<
      string,
      unknown
    >;
    expect([...map]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('say by a descriptor what they stand for', () => {
    expect(read(Buffer.from([0x00, 0x53, 0x24, 0x45]))).toEqual(new DescribedValue(0x24, []));
  });
});
