import { describe, expect, it } from 'vitest';
import { LIMIT_VALUES, type LimitValues } from './limit.settings.js';
import { Limits } from './limits.js';
import { type NearLimit, NearLimits } from './near-limit.js';

const SMALL = {
  limitClientConnections: 2,
  limitTenantConnections: 3,
  limitAddressConnections: 4,
  limitConnections: 5,
  limitTenantQueues: 10,
};

function limitsOf(different: Partial<LimitValues> = SMALL): { limits: Limits; near: NearLimit[] } {
  const near: NearLimit[] = [];
  return { limits: new Limits({ ...LIMIT_VALUES, ...different }, (said) => near.push(said)), near };
}

describe('connections', () => {
  it('of a client, a tenant, an address and all together are bounded, and the refusal says which', () => {
    const { limits } = limitsOf();
    const add = (tenant: string, client: string, address: string) =>
      limits.connections.add({ tenant, client, address });
    const field = (of: () => unknown): unknown => {
      try {
        return of();
      } catch (error) {
        return (error as { code: string; field: string }).field;
      }
    };
    add('a', 'one', 'x');
    const close = add('a', 'one', 'x');
    expect(field(() => add('a', 'one', 'y'))).toBe('client');
    add('a', 'two', 'x');
    expect(field(() => add('a', 'two', 'y'))).toBe('tenant');
    add('b', 'one', 'x');
    expect(field(() => add('b', 'one', 'x'))).toBe('address');
    add('b', 'one', 'y');
    expect(field(() => add('c', 'one', 'z'))).toBe('instance');
    expect(limits.connections.open).toBe(5);
    close();
    close();
    expect(limits.connections.open).toBe(4);
    add('a', 'one', 'z');
    expect(() => limits.connections.add({ tenant: 'a', client: 'one', address: 'z' })).toThrow(
      expect.objectContaining({ code: 'too-many-connections', status: 429, retryAfterSeconds: 5 }) as Error,
    );
  });
});

describe('quotas', () => {
  it('let a tenant make no more than it may have, which is said when it comes near', () => {
    const { limits, near } = limitsOf();
    limits.quotas.admit('acme', 'queues', 6);
    expect(near).toEqual([]);
    limits.quotas.admit('acme', 'queues', 7);
    expect(near).toEqual([{ tenant: 'acme', name: 'queues', used: 8, limit: 10 }]);
    limits.quotas.admit('acme', 'queues', 9);
    expect(() => limits.quotas.admit('acme', 'queues', 10)).toThrow(
      expect.objectContaining({ code: 'quota-exceeded', field: 'queues', status: 409 }) as Error,
    );
    expect(near).toHaveLength(1);
  });
});

describe('what comes near its limit', () => {
  it('is said once in ten minutes, each thing for itself', () => {
    let now = 0;
    const said: string[] = [];
    const near = new NearLimits(
      ({ tenant, name }) => said.push(`${tenant ?? 'all'} ${name}`),
      () => now,
    );
    near.note(79, 100, 'a', () => 'queues');
    near.note(80, 100, 'a', () => 'queues');
    near.note(99, 100, 'a', () => 'queues');
    near.note(99, 100, 'b', () => 'queues');
    near.note(99, 100, undefined, () => 'sockets');
    expect(said).toEqual(['a queues', 'b queues', 'all sockets']);
    now = 10 * 60_000;
    near.note(99, 100, 'a', () => 'queues');
    expect(said).toHaveLength(4);
  });
});
