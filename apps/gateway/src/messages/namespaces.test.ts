import { describe, expect, it } from 'vitest';
import { Namespaces } from './namespaces.js';

describe('the namespace of events', () => {
  const namespaces = new Namespaces('corp/mesh/prod');

  it('is that of the setting, with the name of the tenant in front for every other one', () => {
    expect([namespaces.of('local'), namespaces.of('acme')]).toEqual(['corp/mesh/prod', 'acme/mesh/prod']);
    expect(namespaces.topicOf('acme', 'a.b.v1', undefined)).toBe('acme/mesh/prod/ce/a/b/v1');
  });

  it('is the one that they came by, where that is one', () => {
    expect(namespaces.topicOf('local', 'a.b.v1', 'partner/erp/one')).toBe('partner/erp/one/ce/a/b/v1');
    for (const odd of ['', 'x', 'a/b', 'a/b/c/d', 'a b/c/d']) {
      expect(namespaces.topicOf('local', 'a.b.v1', odd)).toBe('corp/mesh/prod/ce/a/b/v1');
    }
  });

  it('does not tell apart what is the same, nor mix tenants up', () => {
    expect(namespaces.topicOf('local', 'a.b', 'acme')).toBe('corp/mesh/prod/ce/a/b');
    for (const tenant of ['local', 'acme', 'local']) {
      expect(namespaces.topicOf(tenant, 'a.b', undefined)).toBe(`${namespaces.of(tenant)}/ce/a/b`);
    }
  });
});
