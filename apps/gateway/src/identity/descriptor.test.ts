import { readFileSync } from 'node:fs';
import { Permissions } from '@heddle/auth';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Descriptor, descriptorShape, permissionsOf, typePatternOf } from './descriptor.js';

const NAMESPACE = 'acme/sales/prod';

function described(rules: Descriptor['rules'], options: object = {}): Permissions {
  const read = descriptorShape.parse({ emname: 'shop', version: '1.1.0', namespace: NAMESPACE, options, rules });
  return Permissions.of(permissionsOf(read));
}

describe('a descriptor', () => {
  it('allows nothing where it has no rules', () => {
    expect(described(undefined, { management: true, messagingrest: true, messaging: true }).texts).toEqual([]);
  });

  it('gives what its filters say, with its namespace for the placeholder, each right for itself', () => {
    const all = ['${namespace}/*'];
    const topics = described({ topicRules: { publishFilter: all } });
    expect(topics.allows('publish', 'topic', `${NAMESPACE}/a/b`)).toBe(true);
    expect(topics.allows('publish', 'topic', 'acme/sales/test/a')).toBe(false);
    expect(topics.allows('consume', 'topic', `${NAMESPACE}/a/b`)).toBe(false);
    expect(topics.allowsSome('publish', 'queue')).toBe(false);
    const queues = described({ queueRules: { subscribeFilter: all } });
    expect(queues.allows('consume', 'queue', `${NAMESPACE}/orders`)).toBe(true);
    expect(queues.allowsSome('publish', 'queue')).toBe(false);
    expect(queues.allowsSome('consume', 'topic')).toBe(false);
  });

  it('lets its client manage the queues of its rules where management is on, and others never', () => {
    const rules = { queueRules: { publishFilter: ['${namespace}/in/*'], subscribeFilter: ['${namespace}/out'] } };
    expect(described(rules).allowsSome('manage', 'queue')).toBe(false);
    const managing = described(rules, { management: true });
    expect(managing.allows('manage', 'queue', `${NAMESPACE}/in/a`)).toBe(true);
    expect(managing.allows('manage', 'queue', `${NAMESPACE}/out`)).toBe(true);
    expect(managing.allows('manage', 'queue', `${NAMESPACE}/other`)).toBe(false);
  });

  it('gives the event types whose topics a filter selects, those of every namespace with three plus signs', () => {
    const consumer = described({ topicRules: { subscribeFilter: ['+/+/+/ce/sap/s4/beh/*'] } });
    expect(consumer.allows('consume', 'type', 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1')).toBe(true);
    expect(consumer.allows('consume', 'type', 'heddle.contract.v1.Contract.Signed.v1')).toBe(false);
    expect(consumer.allows('publish', 'type', 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1')).toBe(false);
  });

  it.each([
    ['a/b/c/ce/sap/s4/*', 'sap.s4.*'],
    ['a/b/c/ce/x/v1/Y', 'x.v1.Y'],
    ['a/b/c/ce/+/v1/*', '+.v1.*'],
    ['a/b/c/ce/*', '*'],
    ['a/b/c/*', '*'],
    ['a/*', '*'],
    ['*', '*'],
    ['+/+/+/+/*', '*'],
    ['a/b/c/other/*', undefined],
    ['a/b/c', undefined],
    ['a/b/c/ce', undefined],
  ])('a filter over %s is one over the types %s', (filter, types) => expect(typePatternOf(filter)).toBe(types));

  it('a filter never gives a type whose topic it does not select', () => {
    const segment = fc.constantFrom('a', 'b', 'ce', 'v1');
    const filterSegment = fc.oneof(segment, fc.constant('+'));
    const filters = fc
      .tuple(fc.array(filterSegment, { minLength: 1, maxLength: 6 }), fc.boolean())
      .map(([parts, isTree]) => parts.join('/') + (isTree ? '/*' : ''));
    const types = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(filters, types, (filter, type) => {
        const namespaces = ['a/b/ce', 'a/a/a', 'b/v1/a', 'ce/ce/ce', 'v1/a/b'];
        const allowed = Permissions.of(permissionsOf(read(filter))).allows('consume', 'type', type);
        if (!allowed) return;
        const topics = Permissions.of([`consume:topic:${filter}`]);
        const anyNamespace = [...namespaces, filter.replaceAll('+', 'a').split('/').slice(0, 3).join('/')];
        const padded = anyNamespace.map((one) =>
          [...one.replace('*', 'a').split('/'), 'a', 'a', 'a'].slice(0, 3).join('/'),
        );
        const selected = padded.some((one) =>
          topics.allows('consume', 'topic', `${one}/ce/${type.replaceAll('.', '/')}`),
        );
        expect(selected).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a namespace of two segments', { namespace: 'a/b' }, 'namespace'],
    ['a name with a dot', { emname: 'a.b' }, 'emname'],
    ['a star in the middle', { rules: { topicRules: { publishFilter: ['a/*/b'] } } }, 'rules'],
    ['a star that is no segment', { rules: { topicRules: { publishFilter: ['a/b*'] } } }, 'rules'],
    ['a rule that there is not', { rules: { topicRules: { publishFilters: ['a'] } } }, 'rules'],
  ])('is refused with %s', (_what, change, field) => {
    const read = descriptorShape.safeParse({ emname: 'shop', namespace: NAMESPACE, ...change });
    expect(read.error?.issues[0]?.path[0]).toBe(field);
  });

  it('of the guide is one', () => {
    const guide = readFileSync(new URL('../../../../docs/guides/event-mesh-rest.md', import.meta.url), 'utf8');
    const [, text] = /```json descriptor\n([\s\S]*?)```/.exec(guide) ?? [];
    expect(permissionsOf(descriptorShape.parse(JSON.parse(text!)))).not.toEqual([]);
  });
});

function read(filter: string): Descriptor {
  return descriptorShape.parse({
    emname: 'x',
    namespace: NAMESPACE,
    rules: { topicRules: { subscribeFilter: [filter] } },
  });
}
