import type { HeddleError } from '@heddle/event';
import { readShape } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Binding } from './binding.js';
import { channelShape } from './channel.shape.js';
import { checkBindings } from './bindings-check.js';

const CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';

describe('bindings of a channel', () => {
  let catalogue: Catalogue;

  beforeAll(async () => {
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    catalogue = new Catalogue(registry, new AvroCodec(registry));
    await catalogue.refresh();
  });

  afterAll(() => catalogue.close());

  const checked = (...bindings: Binding[]): Promise<HeddleError | undefined> =>
    checkBindings(bindings, catalogue).then(
      () => undefined,
      (error: unknown) => error as HeddleError,
    );

  it('may be types of the catalogue, with filters on fields that they have and on any attribute', async () => {
    const filters = [
      { data: 'SalesOrganization', include: ['1710', { low: '2000', high: '2999' }] },
      { attribute: 'subject', exclude: ['1'] },
    ];
    expect(await checked({ type: CREATED, filters }, { type: 'heddle.contract.*' })).toBeUndefined();
  });

  it.each<[what: string, bindings: Binding[], code: string, field: string, helps: string]>([
    [
      'a misspelt type, by the nearest',
      [{ type: 'heddle.*' }, { type: CREATED.replace('Created', 'Creatd') }],
      'type-unknown',
      'bindings.1.type',
      CREATED,
    ],
    [
      'a misspelt wildcard, by the nearest',
      [{ type: 'sap.s4.beh.salesordr.*' }],
      'type-unknown',
      'bindings.0.type',
      'sap.s4.beh.salesorder.*',
    ],
    [
      'a type that a wildcard has already',
      [{ type: 'sap.*' }, { type: CREATED }],
      'data-invalid',
      'bindings.1.type',
      'bindings.0 (sap.*)',
    ],
    [
      'a wildcard that has a type before it',
      [{ type: CREATED }, { type: 'sap.s4.*' }],
      'data-invalid',
      'bindings.1.type',
      CREATED,
    ],
    ['the same type twice', [{ type: CREATED }, { type: CREATED }], 'data-invalid', 'bindings.1.type', 'both into one'],
    [
      'a misspelt field, by the nearest',
      [
        {
          type: CREATED,
          filters: [
            { attribute: 'subject', include: ['1'] },
            { data: 'SalesOrganisation', include: ['1'] },
          ],
        },
      ],
      'data-invalid',
      'bindings.0.filters.1.data',
      'did you mean SalesOrganization?',
    ],
    [
      'a field with fields',
      [{ type: SIGNED, filters: [{ data: 'Document', include: ['1'] }] }],
      'data-invalid',
      'bindings.0.filters.0.data',
      'name a field in it',
    ],
    [
      'more than one condition can hold',
      [
        {
          type: CREATED,
          filters: Array.from({ length: 10 }, () => ({
            data: 'SalesOrganization',
            include: Array.from({ length: 50 }, (_, n) => `${n}`),
          })),
        },
      ],
      'data-invalid',
      'bindings.0.filters',
      'too much for one condition',
    ],
  ])('are refused for %s', async (_what, bindings, code, field, helps) => {
    const error = await checked(...bindings);
    expect(error).toMatchObject({ code, field });
    expect(error!.message).toContain(helps);
  });

  it('are refused for more different lists of filters than a queue can have', async () => {
    const types = catalogue
      .list()
      .map(({ type }) => type)
      .filter((type) => type.startsWith('sap.s4.beh.salesorder.'));
    const bound = (of: (n: number) => string): Binding[] =>
      types.slice(0, 11).map((type, n) => ({ type, filters: [{ data: 'SalesOrder', include: [of(n)] }] }));
    expect(await checked(...bound(() => 'the same'))).toBeUndefined();
    expect(await checked(...bound(String))).toMatchObject({ code: 'data-invalid', field: 'bindings' });
  });

  it.each<[what: string, body: object, field: string, rule: string]>([
    ['without any', { bindings: [] }, 'bindings', 'at least one'],
    ['that are no pattern', { bindings: [{ type: 'a*b' }] }, 'bindings.0.type', 'must be an event type'],
    [
      'with filters and a wildcard',
      { bindings: [{ type: 'a.*', filters: [{ data: 'A', include: ['1'] }] }] },
      'bindings.0.filters',
      'one exact type',
    ],
    [
      'with a filter on nothing',
      { bindings: [{ type: 'a.b', filters: [{ include: ['1'] }] }] },
      'bindings.0.filters.0',
      'either an attribute or',
    ],
    [
      'with a filter that says nothing',
      { bindings: [{ type: 'a.b', filters: [{ data: 'A' }] }] },
      'bindings.0.filters.0',
      'include or exclude',
    ],
    [
      'with a range that has no end',
      { bindings: [{ type: 'a.b', filters: [{ data: 'A', include: [{ low: '2', high: '1' }] }] }] },
      'bindings.0.filters.0.include.0',
      'from low up to high',
    ],
    [
      'with a range of two kinds',
      { bindings: [{ type: 'a.b', filters: [{ data: 'A', include: [{ low: 1, high: '2' }] }] }] },
      'bindings.0.filters.0.include.0',
      'both texts or both numbers',
    ],
    ['with a misspelt word', { bindings: [{ typ: 'a.b' }] }, 'bindings.0.typ', 'did you mean type?'],
    ['beside types', { bindings: [{ type: 'a.b' }], types: ['a.b'] }, 'types', 'is not known here'],
  ])('are refused in a request %s', (_what, body, field, rule) => {
    let error: HeddleError | undefined;
    try {
      readShape(channelShape, body);
    } catch (caught) {
      error = caught as HeddleError;
    }
    const fields = error?.fields ?? [];
    expect(fields.find((one) => one.field === field)?.rule, JSON.stringify(fields)).toContain(rule);
  });
});
