import { describe, expect, it } from 'vitest';
import type { AvroSchema } from './avro-schema.js';
import { incompatibilities } from './compatibility.js';

const record = (...fields: object[]): AvroSchema =>
  ({ type: 'record', name: 'R', namespace: 'n', fields }) as unknown as AvroSchema;
const field = (name: string, type: unknown, rest: object = {}): object => ({ name, type, ...rest });
const item = (...fields: object[]): object => ({ type: 'array', items: { type: 'record', name: 'Item', fields } });

describe('under FULL_TRANSITIVE', () => {
  it.each<[string, AvroSchema, AvroSchema]>([
    [
      'a field with a default is added',
      record(field('a', 'int')),
      record(field('a', 'int'), field('b', 'int', { default: 0 })),
    ],
    [
      'a field with a default is taken away',
      record(field('a', 'int'), field('b', 'int', { default: 0 })),
      record(field('a', 'int')),
    ],
    [
      'a doc, a property of ours or the order changes',
      record(field('a', 'int'), field('b', 'int')),
      record(field('b', 'int', { doc: 'x' }), field('a', 'int', { mine: 1 })),
    ],
    ['a string becomes bytes', record(field('a', 'string')), record(field('a', 'bytes'))],
    [
      'a plain long becomes a timestamp',
      record(field('a', 'long')),
      record(field('a', { type: 'long', logicalType: 'timestamp-millis' })),
    ],
    ['branches of a union change places', record(field('a', ['null', 'int'])), record(field('a', ['int', 'null']))],
    [
      'a symbol is added to an enum with a default',
      record(field('a', { type: 'enum', name: 'E', symbols: ['X'], default: 'X' })),
      record(field('a', { type: 'enum', name: 'E', symbols: ['X', 'Y'], default: 'X' })),
    ],
    [
      'a record that holds itself stays as it is',
      record(field('next', ['null', 'R'])),
      record(field('next', ['null', 'R'])),
    ],
  ])('it may be that %s', (_name, before, after) => {
    expect(incompatibilities(after, [before])).toEqual([]);
    expect(incompatibilities(before, [after])).toEqual([]);
  });

  it.each<[string, AvroSchema, AvroSchema, string]>([
    [
      'a field without a default is added',
      record(field('a', 'int')),
      record(field('a', 'int'), field('b', 'int')),
      'data.b: the writer has no such field',
    ],
    ['a type changes', record(field('a', 'int')), record(field('a', 'string')), 'data.a: int cannot be read as string'],
    [
      'a number is only widened, which old readers cannot follow',
      record(field('a', 'int')),
      record(field('a', 'long')),
      'data.a: long cannot be read as int',
    ],
    [
      'a field becomes optional, which old readers cannot follow',
      record(field('a', 'int')),
      record(field('a', ['null', 'int'])),
      'data.a: null cannot be read as int',
    ],
    [
      'a field within a list changes',
      record(field('a', item(field('m', 'string')))),
      record(field('a', item(field('m', 'int')))),
      'data.a.[].m: ',
    ],
    [
      'a field within a map changes',
      record(field('a', { type: 'map', values: 'int' })),
      record(field('a', { type: 'map', values: 'string' })),
      'data.a.{}: ',
    ],
    ['a field is renamed', record(field('a', 'int')), record(field('b', 'int')), 'data.b: '],
    [
      'the record is renamed',
      record(),
      { type: 'record', name: 'Q', namespace: 'n', fields: [] },
      'n.R is neither the name nor an alias of n.Q',
    ],
    [
      'a symbol is taken away',
      record(field('a', { type: 'enum', name: 'E', symbols: ['X', 'Y'] })),
      record(field('a', { type: 'enum', name: 'E', symbols: ['X'] })),
      'data.a: Y is no symbol',
    ],
    [
      'a fixed changes its size',
      record(field('a', { type: 'fixed', name: 'F', size: 1 })),
      record(field('a', { type: 'fixed', name: 'F', size: 2 })),
      'data.a: 1 bytes are not 2',
    ],
    [
      'a decimal changes its scale',
      record(field('a', { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 1 })),
      record(field('a', { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 })),
      'data.a: a decimal(5, 1) is not a decimal(5, 2)',
    ],
    [
      'milliseconds become microseconds',
      record(field('a', { type: 'long', logicalType: 'timestamp-millis' })),
      record(field('a', { type: 'long', logicalType: 'timestamp-micros' })),
      'data.a: timestamp-millis does not mean the same as timestamp-micros',
    ],
    [
      'a branch is taken away',
      record(field('a', ['null', 'int', 'string'])),
      record(field('a', ['null', 'int'])),
      'data.a: string is none of null, int',
    ],
  ])('it may not be that %s', (_name, before, after, message) => {
    const messages = incompatibilities(after, [before]);
    expect(messages.join('\n')).toContain(message);
  });

  it('every version counts, and each message says which', () => {
    const versions = [record(field('b', 'string', { default: '' })), record()];
    expect(incompatibilities(record(field('b', 'int', { default: 0 })), versions)).toEqual([
      'data.b: string cannot be read as int (new schema reading version 1)',
      'data.b: int cannot be read as string (version 1 reading the new schema)',
    ]);
  });
});
