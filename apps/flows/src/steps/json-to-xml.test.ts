import { HeddleError } from '@heddle/event';
import { DOMParser, type Element } from '@xmldom/xmldom';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonToXml } from './json-to-xml.js';

/** What a parser that knows nothing of ours makes of it; what is not well-formed is refused. */
function parsed(xml: string): Tree {
  const parser = new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  });
  const root = parser.parseFromString(xml, 'text/xml').documentElement;
  if (root === null) throw new Error('no root');
  return treeOf(root);
}

interface Tree {
  name: string;
  attributes: [string, string][];
  children: Tree[];
  text: string;
}

function treeOf(element: Element): Tree {
  const attributes = [...element.attributes].map(({ name, value }): [string, string] => [name, value]);
  const children = [...element.childNodes].filter((node): node is Element => node.nodeType === node.ELEMENT_NODE);
  return {
    name: element.tagName,
    attributes,
    children: children.map(treeOf),
    text: children.length === 0 ? (element.textContent ?? '') : '',
  };
}

/** JSON with what it is to become, made together. */
interface Pair {
  json: unknown;
  /** One, or for an array any number. */
  trees: (name: string) => Tree[];
}

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/),
  fc.constantFrom('Ünïcode', 'été', '商品', 'a·b', '_', 'xml', 'constructor', '__proto__', 'toString'),
);
const attributeName = name.filter((text) => text !== 'xmlns');
const characters = fc
  .string({ unit: 'binary' })
  .filter((text) => !/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(text));
const scalar: fc.Arbitrary<string | number | boolean | null> = fc.oneof(
  characters,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
);
const textOf = (value: string | number | boolean | null): string => (value === null ? '' : String(value));

const leaf: fc.Arbitrary<Pair> = scalar.map((value) => ({
  json: value,
  trees: (called) => [{ name: called, attributes: [], children: [], text: textOf(value) }],
}));

const attributes = fc.uniqueArray(fc.tuple(attributeName, scalar), { maxLength: 3, selector: ([key]) => key });

const { pair } = fc.letrec<{ pair: Pair; element: Pair }>((tie) => ({
  pair: fc.oneof(
    { depthSize: 'small' },
    tie('element'),
    fc.array(tie('element'), { maxLength: 3 }).map((all) => ({
      json: all.map(({ json }) => json),
      trees: (called: string) => all.flatMap(({ trees }) => trees(called)),
    })),
  ),
  element: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.tuple(attributes, scalar).map(([named, value]) => ({
      json: objectOf([...named.map(([key, of]) => [`@${key}`, of] as const), ['$', value]]),
      trees: (called: string) => [{ name: called, attributes: written(named), children: [], text: textOf(value) }],
    })),
    fc
      .tuple(attributes, fc.uniqueArray(fc.tuple(name, tie('pair')), { maxLength: 4, selector: ([key]) => key }))
      .map(([named, members]) => ({
        json: objectOf([
          ...named.map(([key, value]) => [`@${key}`, value] as const),
          ...members.map(([key, { json }]) => [key, json] as const),
        ]),
        trees: (called: string) => [
          {
            name: called,
            attributes: written(named),
            children: members.flatMap(([key, { trees }]) => trees(key)),
            text: '',
          },
        ],
      })),
  ),
}));

function written(named: readonly (readonly [string, string | number | boolean | null])[]): [string, string][] {
  return named.map(([key, value]) => [key, textOf(value)]);
}

/** As `JSON.parse` makes it, which has no special names. */
function objectOf(members: readonly (readonly [string, unknown])[]): unknown {
  return JSON.parse(`{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`);
}

describe('what is accepted', () => {
  it('becomes a well-formed document that another parser reads as the same tree', () => {
    let deep = 0;
    fc.assert(
      fc.property(name, pair, (root, { json, trees }) => {
        if (Array.isArray(json)) return;
        const [tree] = trees(root);
        expect(parsed(jsonToXml(objectOf([[root, json]])))).toEqual(tree);
        if ((tree?.children.length ?? 0) > 0) deep += 1;
      }),
      { numRuns: 2000 },
    );
    expect(deep).toBeGreaterThan(100);
  });

  it('is put into the root that is added, with as many members as it has', () => {
    const xml = jsonToXml({ '@id': 7, a: [1, 2], b: null }, { addRoot: 'Order' });
    expect(xml).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<Order id="7"><a>1</a><a>2</a><b/></Order>');
  });

  it('has null as an element that is empty, and an array of none as no element', () => {
    expect(jsonToXml({ r: { a: null, b: [], c: '' } })).toMatch(/<r><a\/><c\/><\/r>$/);
  });
});

describe('what is refused says which place breaks which rule', () => {
  it.each([
    ['an array at the root', [{ a: 1 }], undefined, /array cannot stand at the root/],
    ['an array at the root, even where one is added', [{ a: 1 }], 'Root', /array cannot stand at the root/],
    ['a text at the root', 'a', undefined, /must be an object/],
    ['no member', {}, undefined, /exactly one member, not 0/],
    ['two members', { a: 1, b: 2 }, undefined, /exactly one member, not 2; addRoot/],
    ['an array as the only member', { a: [1, 2] }, undefined, /^a must not be an array/],
    ['an attribute as the root', { '@a': 1 }, undefined, /^@a must be an element/],
    ['an attribute behind an element', { r: { a: 1, '@id': 2 } }, undefined, /^r\.@id .* before a/],
    ['an attribute that is an object', { r: { '@id': { a: 1 } } }, undefined, /^r\.@id must be a text/],
    ['a name with a space', { r: { 'net amount': 1 } }, undefined, /^r\.net amount .* no name in XML/],
    ['a name that begins with a digit', { r: { '1st': 1 } }, undefined, /^r\.1st .* no name in XML/],
    ['an empty name', { r: { '': 1 } }, undefined, /no name in XML/],
    ['a prefix that nothing declares', { r: { 'p:a': 1 } }, undefined, /^r\.p:a .* no name in XML/],
    ['a namespace in disguise', { r: { '@xmlns': 'urn:x' } }, undefined, /^r\.@xmlns .* no name of an attribute/],
    ['a text beside elements', { r: { $: 'x', a: 1 } }, undefined, /^r\.\$ .* no name in XML/],
    ['an array in an array', { r: { a: [[1]] } }, undefined, /^r\.a\.0 must not be an array in an array/],
    ['a character that XML cannot have', { r: { a: 'x\u0000' } }, undefined, /^r\.a has a character/],
    ['half of a character', { r: { a: '\uD800' } }, undefined, /^r\.a has a character/],
    ['a root that is no name', { a: 1 }, 'net amount', /no name in XML/],
  ])('%s', (_title, json, addRoot, rule) => {
    const refusal = (): string => jsonToXml(json, { addRoot });
    expect(refusal).toThrow(HeddleError);
    expect(refusal).toThrow(rule);
  });

  it('what is nested so deep that a stack would end', () => {
    const depth = 5000;
    const json: unknown = JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
    expect(() => jsonToXml(json)).toThrow(/nested deeper than 200/);
  });

  it('any other JSON is either refused so, or well-formed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (json) => {
        let xml: string;
        try {
          xml = jsonToXml(json, { addRoot: 'r' });
        } catch (error) {
          expect(error).toMatchObject({ code: 'data-invalid' });
          return;
        }
        parsed(xml);
      }),
      { numRuns: 2000 },
    );
  });
});
