import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAddress,
  isNamespace,
  mqttPatterns,
  parseAddress,
  queueNameProblem,
  topicMatcher,
  topicOfType,
  topicPatternProblem,
  topicProblem,
  typeOfTopic,
} from './address.js';

const NAMESPACE = 'default/heddle/s4';
const CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
const segment = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/).filter((text) => !/^\.+$/.test(text));
const namespace = fc.tuple(segment, segment, segment).map((parts) => parts.join('/'));
const type = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,7}$/), fc.array(word, { maxLength: 6 }))
  .map(([first, rest]) => [first, ...rest].join('.'));
const topic = fc.array(segment, { minLength: 2, maxLength: 12 }).map((parts) => parts.join('/'));

describe('topics and event types', () => {
  it('an event type is its topic, both ways', () => {
    const path = `${NAMESPACE}/ce/sap/s4/beh/salesorder/v1/SalesOrder/Created/v1`;
    expect(topicOfType(CREATED, NAMESPACE)).toBe(path);
    expect(typeOfTopic(path)).toEqual({ namespace: NAMESPACE, type: CREATED });
    fc.assert(
      fc.property(type, namespace, (name, of) => {
        expect(typeOfTopic(topicOfType(name, of))).toEqual({ namespace: of, type: name });
      }),
    );
  });

  it('a topic that is an event type is that topic again', () => {
    fc.assert(
      fc.property(topic, namespace, fc.boolean(), (path, of, isTyped) => {
        const name = isTyped ? `${of}/ce/${path}` : path;
        const found = typeOfTopic(name);
        expect(found === undefined ? name : topicOfType(found.type, found.namespace)).toBe(name);
      }),
    );
  });

  it.each([
    'a/b/ce/x',
    'a/b/c/d/ce/x',
    'a/b/c/ce',
    'a/b/c/ce/',
    'a/b/c/ce/x/sales.order/v1',
    'a/b/c/ce/-x',
    'a/b/c/xx/y',
    'a/b/c/ce/x//y',
  ])('%s is no event type', (name) => {
    expect(typeOfTopic(name)).toBeUndefined();
  });

  it('a namespace has exactly three segments', () => {
    expect([isNamespace('a/b/c'), isNamespace('a/b'), isNamespace('a/b/c/d'), isNamespace('a//c')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('addresses', () => {
  it('are read as they are written', () => {
    fc.assert(
      fc.property(fc.constantFrom('queue' as const, 'topic' as const), topic, (kind, name) => {
        fc.pre((kind === 'queue' ? queueNameProblem(name) : topicProblem(name)) === undefined);
        expect(parseAddress(formatAddress({ kind, name }))).toEqual({ kind, name });
      }),
    );
    expect(parseAddress('queue:orders')).toEqual({ kind: 'queue', name: 'orders' });
  });

  it.each(['', 'orders', ':orders', 'exchange:orders', 'topic:one', 'topic:a//b', 'queue:', 'queue:a b', 'queue:../x'])(
    '%s is refused, with the field that it came in',
    (text) => {
      expect(() => parseAddress(text, 'to')).toThrow(
        expect.objectContaining({ code: 'parameter-invalid', field: 'to' }) as Error,
      );
    },
  );
});

describe('the limits of names', () => {
  const segments = (count: number): string => Array.from({ length: count }, () => 'x').join('/');

  it.each([
    ['two segments', segments(2), true],
    ['one segment', segments(1), false],
    ['20 segments', segments(20), true],
    ['21 segments', segments(21), false],
    ['150 characters', `a/${'x'.repeat(148)}`, true],
    ['151 characters', `a/${'x'.repeat(149)}`, false],
    ['an empty segment', 'a//b', false],
    ['a slash at the end', 'a/b/', false],
    ['letters beyond ASCII', 'a/ü', false],
    ['all that is allowed', 'A.b_c-1/Z', true],
  ])('a topic of %s', (_what, name, isAllowed) => {
    expect(topicProblem(name) === undefined).toBe(isAllowed);
  });

  it.each([
    ['one segment', 'orders', true],
    ['20 segments', segments(20), true],
    ['21 segments', segments(21), false],
    ['a first segment of 111 characters', 'x'.repeat(111), true],
    ['a first segment of 112 characters', 'x'.repeat(112), false],
    ['a later segment of 109 characters', `x/${'y'.repeat(109)}`, true],
    ['a later segment of 110 characters', `x/${'y'.repeat(110)}`, false],
    ['164 characters', `${'x'.repeat(82)}/${'y'.repeat(81)}`, true],
    ['165 characters', `${'x'.repeat(82)}/${'y'.repeat(82)}`, false],
    ['a segment of dots', 'a/../b', false],
    ['capitals, dots and underscores', 'Acme/Sales.Orders/in_1', true],
  ])('a queue name of %s', (_what, name, isAllowed) => {
    expect(queueNameProblem(name) === undefined).toBe(isAllowed);
  });

  it.each([
    ['*', true],
    ['+', true],
    ['a/+/b', true],
    ['a/*', true],
    ['+/+/+/ce/*', true],
    ['a/*/b', false],
    ['a/b*', false],
    ['a/b+', false],
    ['a/#', false],
    ['', false],
    ['a//b', false],
    [segments(21), false],
  ])('the pattern %s', (pattern, isAllowed) => {
    expect(topicPatternProblem(pattern) === undefined).toBe(isAllowed);
    if (!isAllowed)
      expect(() => topicMatcher([pattern])).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });
});

describe('patterns of topics', () => {
  it('match as a comparison of segments says', () => {
    const part = fc.constantFrom('a', 'b', 'ab', 'a.b');
    const names = fc.array(part, { minLength: 2, maxLength: 5 });
    const patterns = fc.array(fc.oneof(part, fc.constant('+')), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(names, patterns, fc.boolean(), (name, of, isOpen) => {
        const pattern = [...of, ...(isOpen ? ['*'] : [])].join('/');
        const isLongEnough = isOpen ? name.length > of.length : name.length === of.length;
        const expected = isLongEnough && of.every((wanted, index) => wanted === '+' || wanted === name[index]);
        expect(topicMatcher([pattern])(name.join('/'))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('a name matches itself, and any of several patterns is enough', () => {
    fc.assert(
      fc.property(topic, (name) => {
        fc.pre(topicProblem(name) === undefined);
        expect(topicMatcher([name])(name)).toBe(true);
        expect(topicMatcher(['no/such', '*'])(name)).toBe(true);
        expect(topicMatcher([])(name)).toBe(false);
      }),
    );
  });

  it('of MQTT mean the same topics, # the level above it, too', () => {
    const matches = (filter: string, name: string): boolean => topicMatcher(mqttPatterns(filter))(name);
    expect([matches('a/b/#', 'a/b'), matches('a/b/#', 'a/b/c/d'), matches('a/b/#', 'a/c')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([matches('#', 'a/b'), matches('+/b', 'a/b'), matches('a/+', 'a/b/c')]).toEqual([true, true, false]);
    for (const filter of ['a/#/b', 'a*', '', 'a/b#', 'a//b']) {
      expect(() => mqttPatterns(filter), filter).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
    }
  });
});
