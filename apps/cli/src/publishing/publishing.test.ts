import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { describe, expect, it } from 'vitest';
import { runHeddle } from '../cli-trial.js';
import { sampleOf } from './sample.js';
import { PLACEHOLDERS, filled } from './template.js';

const FILLING = { n: 7, now: new Date('2026-01-31T12:00:00.000Z') };

describe('a sample', () => {
  it('made from a schema alone fits it, for every event type there is', async () => {
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const types = catalogue.list();
    expect(types.length).toBeGreaterThan(5);
    for (const { type, schema, schemaId } of types) {
      await codec.load(schemaId);
      expect(() => codec.encode(schemaId, sampleOf(schema)), type).not.toThrow();
    }
    catalogue.close();
  });

  it('of a type that holds itself comes to an end', () => {
    const node = {
      type: 'record',
      name: 'Node',
      fields: [
        { name: 'next', type: ['null', 'Node'] },
        { name: 'many', type: { type: 'array', items: 'Node' } },
      ],
    };
    expect(JSON.stringify(sampleOf(node)).length).toBeLessThan(5000);
  });
});

describe('a template', () => {
  it('is filled wherever it has texts, and becomes a number where that is asked for', () => {
    const template = {
      id: 'order-{{n}}',
      list: ['{{today}}'],
      count: '{{n:number}}',
      at: '{{now}}',
      plain: 5,
      none: null,
    };
    expect(filled(template, FILLING)).toEqual({
      id: 'order-7',
      list: ['2026-01-31'],
      count: 7,
      at: '2026-01-31T12:00:00.000Z',
      plain: 5,
      none: null,
    });
  });

  it('has chance within its bounds, and nothing that it does not know', () => {
    for (let n = 0; n < 50; n += 1) {
      expect(Number(filled('{{random 3 5}}', FILLING))).toBeGreaterThanOrEqual(3);
      expect(Number(filled('{{random 3 5}}', FILLING))).toBeLessThanOrEqual(5);
      expect(['EUR', 'USD']).toContain(filled('{{pick EUR|USD}}', FILLING));
    }
    expect(filled('{{uuid}}', FILLING)).not.toBe(filled('{{uuid}}', FILLING));
    expect(() => filled('{{nothing}}', FILLING)).toThrow('There is no {{nothing}}');
  });

  it('knows every word that the help names', () => {
    for (const word of Object.keys(PLACEHOLDERS)) expect(filled(word, FILLING)).not.toBe(word);
  });
});

it('a dry run shows the events with what was set, and needs no gateway for whole events', async () => {
  const data = JSON.stringify({ type: 'a.b', specversion: '1.0', data: { a: { b: 1 } } });
  const argv = [
    'publish',
    '--data',
    data,
    '--set',
    'a.c=x{{n}}',
    '--set',
    'a.b:=[1]',
    '--attribute',
    'correlationid=c',
    '--key',
    'K',
    '--count',
    '2',
    '--dry-run',
    '--json',
  ];
  const { code, out } = await runHeddle(argv);
  expect(code).toBe(0);
  const events = out.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.map(({ data: filledIn }) => filledIn)).toEqual([
    { a: { b: [1], c: 'x1' } },
    { a: { b: [1], c: 'x2' } },
  ]);
  expect(events[0]).toMatchObject({ type: 'a.b', subject: 'K', correlationid: 'c', source: '/heddle/cli' });
  expect(events[0]!['id']).not.toBe(events[1]!['id']);
});
