import { Permissions } from '@heddle/auth';
import { expect, it } from 'vitest';
import { covers } from './identity-checks.js';

const PERMISSIONS = [
  '*',
  'consume:queue:orders',
  'consume:queue:orders-*',
  'publish:type:sap.*',
  'publish:type:sap.+.beh.*',
  'consume:queue:*',
];
const NEEDS = [
  ['consume', 'queue', 'orders'],
  ['consume', 'queue', 'orders-eu'],
  ['consume', 'queue', 'other'],
  ['publish', 'type', 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1'],
  ['publish', 'type', 'sap.s4.x.beh.a'],
  ['publish', 'type', 'heddle.contract.v1.Contract.Signed.v1'],
  ['publish', 'type', 'sap.s4.beh.*'],
  ['manage', 'tenant', 'acme'],
] as const;

it('what a permission covers is what the gateway takes it for', () => {
  for (const permission of PERMISSIONS) {
    for (const [verb, kind, name] of NEEDS) {
      const allowed = Permissions.of([permission]).allows(verb, kind, name);
      expect([permission, verb, kind, name, covers(permission, `${verb}:${kind}:${name}`)]).toEqual([
        permission,
        verb,
        kind,
        name,
        allowed,
      ]);
    }
  }
});
