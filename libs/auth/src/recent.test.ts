import { expect, it } from 'vitest';
import { Recent } from './recent.js';

it('what is asked for stays, and there are never more than may be', () => {
  const recent = new Recent<number>(100);
  recent.set('hot', 1);
  for (let n = 0; n < 1000; n += 1) {
    recent.set(`cold${n}`, n);
    expect(recent.get('hot')).toBe(1);
    expect(recent.size).toBeLessThanOrEqual(101);
  }
  expect(recent.get('cold0')).toBeUndefined();
  expect(recent.get('cold999')).toBe(999);
  recent.delete('hot');
  expect(recent.get('hot')).toBeUndefined();
});
