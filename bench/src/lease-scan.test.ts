import { expect, it } from 'vitest';
import { acceptedIn, leasesIn, settlementsText } from './lease-scan.js';

it('finds the leases of deliveries, settles them, and counts what was accepted', () => {
  const deliveries = [
    { lease: 'a.1.2', expiresAt: 'x', event: { data: { Title: 'lease' } } },
    { lease: 'b.1.3', expiresAt: 'x', event: {} },
  ];
  const leases = leasesIn(Buffer.from(JSON.stringify({ deliveries })));
  expect(leases).toEqual(['a.1.2', 'b.1.3']);
  expect(JSON.parse(`{${settlementsText(leases)}}`)).toEqual({
    settlements: leases.map((lease) => ({ lease, action: 'accept' })),
  });
  const results = [
    { lease: 'a.1.2', state: 'accepted' },
    { lease: 'b.1.3', code: 'lease-expired' },
  ];
  expect(acceptedIn(Buffer.from(JSON.stringify({ results })))).toBe(1);
  expect(leasesIn(Buffer.from('{"deliveries":[]}'))).toEqual([]);
});
