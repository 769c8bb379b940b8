import { expect, it } from 'vitest';
import { type CpuProfile, selfTimes } from './profile-summary.js';

it('time is that of the functions themselves, most first, as shares of the time that was not idle', () => {
  const node = (id: number, functionName: string) => ({ id, callFrame: { functionName, url: '', lineNumber: 0 } });
  const profile: CpuProfile = {
    nodes: [node(1, '(root)'), node(2, '(idle)'), node(3, 'encode'), node(4, 'sign'), node(5, 'encode')],
    samples: [1, 2, 3, 4, 5, 2],
    timeDeltas: [10, 5_000_000, 1_000_000, 500_000, 500_000, 100],
  };
  expect(selfTimes(profile, ({ functionName }) => functionName)).toEqual({
    busySeconds: 2,
    shares: [
      { name: 'encode', seconds: 1.5, percent: 75 },
      { name: 'sign', seconds: 0.5, percent: 25 },
    ],
  });
});
