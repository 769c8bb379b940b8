import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TRIAL_SERVICE } from './model-trial.js';
import { projectionOf } from './projection.js';
import { parseOptions } from './query-options.js';
import { parseResource } from './resource.js';

/** What a path leads to, in short. */
function short(path: string): unknown {
  const resource = parseResource(TRIAL_SERVICE, path);
  if (!('steps' in resource)) return resource.kind;
  const steps = resource.steps.map(({ entity, keys, navigation }) => [navigation?.name ?? entity.name, keys ?? '*']);
  return [resource.kind, ...steps, ...(resource.property === undefined ? [] : [resource.property])];
}

describe('paths', () => {
  it.each<[path: string, wanted: unknown]>([
    ['/', 'root'],
    ['', 'root'],
    ['/$metadata', 'metadata'],
    ['/A_Order', ['set', ['A_Order', '*']]],
    ['/A_Order/$count', ['count', ['A_Order', '*']]],
    ["/A_Order('0000000007')", ['entity', ['A_Order', { Order: '7' }]]],
    ["/A_Order(Order='it''s%2Fa')/", ['entity', ['A_Order', { Order: "it's/a" }]]],
    ["/A_Order('7')/Amount/$value", ['value', ['A_Order', { Order: '7' }], 'Amount']],
    ["/A_Order('7')/to_Buyer/Name", ['property', ['A_Order', { Order: '7' }], ['to_Buyer', '*'], 'Name']],
    [
      "/A_Order('7')/to_Item(Order='7',Item='10')/to_Line",
      ['set', ['A_Order', { Order: '7' }], ['to_Item', { Order: '7', Item: '10' }], ['to_Line', '*']],
    ],
    ["/A_Order('7')/$links/to_Item", ['links', ['A_Order', { Order: '7' }], ['to_Item', '*']]],
    ['/A_Order()', ['set', ['A_Order', '*']]],
    ["/A_Order('7')/to_Item()/$count", ['count', ['A_Order', { Order: '7' }], ['to_Item', '*']]],
    ["/A_Order('7')/$count", ['count', ['A_Order', { Order: '7' }]]],
    ["/A_Order('7')/$links/to_Item/$count", ['count', ['A_Order', { Order: '7' }], ['to_Item', '*']]],
    ["/A_Item( Item = '000010' , Order = '7' )", ['entity', ['A_Item', { Item: '10', Order: '7' }]]],
  ])('%s', (path, wanted) => {
    expect(short(path)).toEqual(wanted);
  });

  it.each<[path: string, status: number]>([
    ['/A_None', 404],
    ['/constructor', 404],
    ["/A_Order('7')/__proto__", 404],
    ['/A_Order/Text', 404],
    ["/A_Order('7')/to_Item/Text", 404],
    ["/A_Order('7')/Text/Text", 404],
    ['/A_Order//Text', 404],
    ['/A_Order(7)', 400],
    ["/A_Order('7','8')", 400],
    ["/A_Order(None='7')", 400],
    ["/A_Item('7')", 400],
    ["/A_Item(Order='7',Order='8')", 400],
    ["/A_Item(Order='7')", 400],
    ['/A_Order(%00)', 400],
    ['/A_Order(%E0%A4%A)', 400],
    [
      "/A_Order('7')/to_Item(Order='7',Item='1')/to_Order/to_Item(Order='7',Item='1')/to_Order/to_Item(Order='7',Item='1')/to_Order",
      400,
    ],
  ])('%s is %i', (path, status) => {
    expect(() => short(path)).toThrow(expect.objectContaining({ status }) as Error);
  });
});

describe('options', () => {
  const project = (query: string) =>
    projectionOf(TRIAL_SERVICE, TRIAL_SERVICE.entities['A_Order']!, parseOptions(query));

  it('select properties, of what is expanded, too', () => {
    const { properties, deferred, expanded } = project('$select=Text,to_Item/Text,to_Buyer&$expand=to_Item/to_Line');
    expect([properties, deferred, expanded.map(({ name }) => name)]).toEqual([['Text'], ['to_Buyer'], ['to_Item']]);
    const [item] = expanded;
    expect(item!.projection.properties).toEqual(['Text']);
    expect(item!.projection.expanded).toEqual([]);
    expect(project('$select=*&$expand=to_Item').expanded[0]!.projection.properties).toHaveLength(4);
    expect(project('$select=Text,to_Item&$expand=to_Item/to_Line').expanded[0]!.projection.expanded).toHaveLength(1);
  });

  it.each<[query: string, field: string]>([
    ['$top=-1', '$top'],
    ['$top=99999999999', '$top'],
    ['$skip=x', '$skip'],
    ['$inlinecount=some', '$inlinecount'],
    ['$format=yaml', '$format'],
    ['$none=1', '"$none"'],
    ['$top=1&%24top=2', '$top'],
    ['$expand=to_None', '$expand'],
    ['$expand=*', '$expand'],
    ['$expand=to_Item/to_Order/to_Item/to_Order/to_Item', '$expand'],
    ['$select=None', '$select'],
    ['$select=to_Item/Text', '$select'],
    ['$select=a b', '$select'],
    ['$filter=%E0%A4%A', 'query'],
    ['version=0', 'version'],
  ])('%s is refused, naming %s', (query, field) => {
    expect(() => project(query)).toThrow(expect.objectContaining({ status: 400, field }) as Error);
  });

  it('of any text are read or refused, and nothing else', () => {
    const pieces = fc.constantFrom(
      '$filter',
      '$select',
      '$expand',
      '$orderby',
      '=',
      '&',
      '/',
      ',',
      '%',
      '%2',
      '*',
      'to_Item',
      'Text',
      '$',
      '(',
      "'",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), fc.boolean(), (parts, isPath) => {
        try {
          if (isPath) parseResource(TRIAL_SERVICE, `/${parts.join('')}`);
          else project(parts.join(''));
        } catch (error) {
          expect([400, 404]).toContain((error as { status?: number }).status);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
