import { describe, expect, it } from 'vitest';
import ts from 'typescript';
import type { SchemaFile } from './schema-files.js';
import { typescriptOf } from './typescript.js';

const ALL = {
  type: 'record',
  namespace: 'heddle.all.v1',
  name: 'AllRaised',
  doc: 'Everything Avro has.',
  fields: [
    { name: 'text', type: { type: 'string', maxLength: 4 }, doc: 'Text.' },
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'double', type: 'double' },
    { name: 'flag', type: 'boolean', default: true },
    { name: 'bytes', type: 'bytes' },
    { name: 'fixed', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'colour', type: { type: 'enum', name: 'Colour', doc: 'Of it.', symbols: ['RED', 'BLUE'] }, default: 'RED' },
    { name: 'either', type: ['null', 'boolean', 'string'], default: null },
    { name: 'number', type: ['null', 'double', 'string'], default: null },
    { name: 'list', type: { type: 'array', items: ['null', 'int'] } },
    { name: 'map', type: { type: 'map', values: 'long' } },
    { name: 'next', type: ['null', 'AllRaised'], default: null },
  ],
};

const VALUE = `{
  text: 'a', int: 1, long: '9007199254740993', double: 'NaN', bytes: 'AA==', fixed: 'AAAAAA==', amount: '1.00',
  day: '2026-01-31', at: '2026-01-31T12:00:00.000000Z', uuid: '0f3a3f4e-6d3b-4c4e-9a53-0d8c5f4f6a10', list: [1, null],
  map: { a: 1 }, either: 'x', next: null,
}`;

/** The same under another name, which it holds itself by. */
function renamed(name: string): object {
  return JSON.parse(JSON.stringify(ALL).replaceAll('"AllRaised"', `"${name}"`)) as object;
}

function fileOf(type: string, object: string, schema: object): SchemaFile {
  const description = { type, topic: object, object, key: 'text', summary: 'It was raised.', example: {} };
  return { file: `${object}/x.avsc`, schema: schema as never, description, subject: '', uses: [] };
}

/** Errors of a module that imports the generated files, by the compiler of this project. */
function errorsOf(sources: ReadonlyMap<string, string>, user: string): string[] {
  const files = new Map([...sources, ['user.ts', user]].map(([name, text]) => [`/${name}`, text as string]));
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    noEmit: true,
    types: [],
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, text, ts.ScriptTarget.ES2023);
  };
  const { directoryExists } = host;
  host.directoryExists = (name) =>
    [...files.keys()].some((file) => file.startsWith(`${name}/`)) || directoryExists!(name);
  host.getCurrentDirectory = () => '/';
  const program = ts.createProgram(['/user.ts'], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('generated TypeScript', { timeout: 60_000 }, () => {
  const sources = typescriptOf([
    fileOf('heddle.all.v1.All.Raised.v1', 'all', ALL),
    fileOf('heddle.all.v1.All.Raised.v2', 'all', renamed('AllRaisedV2')),
    fileOf('heddle.other.v1.Other.Raised.v1', 'other', { ...renamed('OtherRaised'), namespace: 'heddle.other.v1' }),
  ]);

  it('takes every value in JSON form, and whatever has a default may be left out', () => {
    const user = `
      import { AllEvent, CATALOGUE, type AllRaised, type MeshEvents, type MeshEventType } from './index.js';
      const value: AllRaised = ${VALUE};
      const mapped: MeshEvents['heddle.all.v1.All.Raised.v2'] = { ...value, next: null };
      const constant: 'heddle.all.v1.All.Raised.v1' = AllEvent.Raised;
      const version: 'heddle.all.v1.All.Raised.v2' = AllEvent.RaisedV2;
      const any: AllEvent = AllEvent.Raised;
      const type: MeshEventType = any;
      const topic: 'all' | 'other' = CATALOGUE[type].topic;
      export const all = [mapped, constant, version, topic];`;
    expect(errorsOf(sources, user)).toEqual([]);
  });

  it.each([
    ['a number where text belongs', "text: 'a'", 'text: 1'],
    ['a symbol that there is not', "either: 'x'", "either: 'x', colour: 'GREEN'"],
    ['null where it is none', 'int: 1', 'int: null'],
    ['a field that there is not', 'int: 1', 'int: 1, more: 1'],
    ['NaN as text where it is none', "double: 'NaN'", "double: 'none'"],
    ['a required field left out', "amount: '1.00',", ''],
  ])('refuses %s', (_what, from, to) => {
    const wrong = VALUE.replace(from, to);
    expect(wrong).not.toBe(VALUE);
    const user = `import type { AllRaised } from './index.js';\nexport const value: AllRaised = ${wrong};`;
    expect(errorsOf(sources, user)).not.toEqual([]);
  });

  it('carries docs, lengths, formats and defaults', () => {
    const text = sources.get('all/all.generated.ts')!;
    for (const line of [
      '/** Everything Avro has. */\nexport interface AllRaised {',
      '  /** Text. At most 4 characters. */\n  text: string;',
      '  /** A decimal of 9 digits, 2 of them decimal places. */\n  amount: string;',
      '  /** ISO 8601 (timestamp-micros). */\n  at: string;',
      '  /** `"RED"` when left out. */\n  colour?: Colour;',
      "/** Of it. */\nexport type Colour = 'RED' | 'BLUE';",
      '  list: readonly (number | null)[];',
      '  map: Readonly<Record<string, number | string>>;',
      '  next?: AllRaised | null;',
    ])
      expect(text).toContain(line);
  });

  it('tells types of one name in two objects apart', () => {
    expect(sources.get('index.ts')).toContain('Colour as OtherColour');
  });

  it('is the same from the same files', () => {
    const again = typescriptOf([
      fileOf('heddle.all.v1.All.Raised.v1', 'all', ALL),
      fileOf('heddle.all.v1.All.Raised.v2', 'all', renamed('AllRaisedV2')),
      fileOf('heddle.other.v1.Other.Raised.v1', 'other', { ...renamed('OtherRaised'), namespace: 'heddle.other.v1' }),
    ]);
    expect([...again]).toEqual([...sources]);
  });
});
