import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { SecondsHistogram } from './seconds-histogram.js';

it('is read as the histogram of prom-client is', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const about = { name: 'took_seconds', help: 'How long it took', buckets: [0.001, 0.01, 1] };
  const one = new SecondsHistogram({ ...about, registry: ours });
  const other = new Histogram({ ...about, registers: [theirs] });
  for (const seconds of [0, 0.0005, 0.001, 0.0011, 0.01, 0.5, 1, 1.5, 60]) {
    one.observe(seconds);
    other.observe(seconds);
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
  expect(await ours.metrics()).toContain('took_seconds_bucket{le="0.01"} 5');
});
