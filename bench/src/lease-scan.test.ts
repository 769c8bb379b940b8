import { expect, it } from 'vitest';
import { acceptedIn, duesIn, idsIn, leasesIn, settlementsText } from './lease-scan.js';

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

it('finds where the ids of events begin, and when what was released is due', () => {
  const events = ['0001', '0002'].map((id) => ({ event: { specversion: '1.0', id, data: { Title: 'id' } } }));
  const text = Buffer.from(JSON.stringify({ deliveries: events }));
  expect(idsIn(text).map((at) => text.toString('latin1', at, at + 4))).toEqual(['0001', '0002']);

  const results = ['2026-01-31T12:00:00.000Z', '2026-01-31T12:00:01.500Z'].map((dueAt) => ({ lease: 'a', dueAt }));
  const [one = 0, other = 0] = duesIn(Buffer.from(JSON.stringify({ results })));
  expect(one).toBe(Date.UTC(2026, 0, 31, 12));
  expect(other - one).toBe(1500);
});
