import { describe, expect, it } from 'vitest';
import type { AvroSchema } from './avro-schema.js';
import {
  COMPATIBILITY_MODES,
  compatibilityFindings,
  incompatibilities,
  type CompatibilityMode,
} from './compatibility.js';

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

describe('a mode', () => {
  const first = record(field('a', 'int'));
  const narrower = record();
  const wider = record(field('a', 'int'), field('b', 'int'));
  const held = [first, wider].map((schema, index) => ({ version: index + 1, schema }));

  /** Which modes forbid a schema after `first` and `wider`. */
  const forbiddenBy = (schema: AvroSchema): CompatibilityMode[] =>
    COMPATIBILITY_MODES.filter((mode) => compatibilityFindings(schema, held, mode).some(({ breaking }) => breaking));

  it('forbids what new readers cannot read, what old ones cannot, or both, of the last version or of all', () => {
    // It reads what both wrote; neither can read what it writes.
    expect(forbiddenBy(narrower)).toEqual(['FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']);
    // It is the last version itself; of the first one it misses a field.
    expect(forbiddenBy(wider)).toEqual(['BACKWARD_TRANSITIVE', 'FULL_TRANSITIVE']);
    // It reads what both wrote; the last version misses a field in what it writes.
    expect(forbiddenBy(first)).toEqual(['FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']);
    expect(forbiddenBy(record(field('a', 'string'), field('b', 'int')))).toEqual(
      COMPATIBILITY_MODES.filter((mode) => mode !== 'NONE'),
    );
  });

  it('changes what is forbidden, never what is found', () => {
    const found = (mode: CompatibilityMode): object[] =>
      compatibilityFindings(narrower, held, mode).map(({ breaking: _breaking, ...finding }) => finding);
    expect(found('NONE')).toHaveLength(3);
    for (const mode of COMPATIBILITY_MODES) expect(found(mode)).toEqual(found('NONE'));
  });

  it('is named in each finding by version, direction, rule and place, and whether Avro would mind', () => {
    expect(compatibilityFindings(narrower, held.slice(0, 1), 'FORWARD')).toEqual([
      {
        path: 'data.a',
        rule: 'default-missing',
        message: 'the writer has no such field, and it has no default',
        version: 1,
        direction: 'forward',
        breaking: true,
        avro: true,
      },
    ]);
    const [moved] = compatibilityFindings(
      { type: 'record', name: 'R', namespace: 'other', fields: [] },
      [{ version: 1, schema: record() }],
      'BACKWARD',
    );
    expect(moved).toMatchObject({ rule: 'namespace-changed', breaking: true, avro: false });
  });
});

it('records within unions within records are compared once each, however many ways lead to them', () => {
  // Gone along every way, these would be three thousand million pairs.
  const level = (n: number): unknown => {
    const below = n === 1 ? 'int' : `L${n - 1}`;
    const fields = ['x', 'y', 'z'].map((name, i) => field(name, ['null', i === 0 && n > 1 ? level(n - 1) : below]));
    return { type: 'record', name: `L${n}`, fields };
  };
  const deep = level(20) as AvroSchema;
  expect(compatibilityFindings(deep, [{ version: 1, schema: structuredClone(deep) }], 'NONE')).toEqual([]);
});
