import { expect, it } from 'vitest';
import { Health } from './health.js';

it('a process is ready when everything it needs answers', async () => {
  const health = new Health().add('one', async () => 'fine').add('two', async () => 'fine');
  expect(await health.report()).toMatchObject({
    status: 'ok',
    checks: { one: { status: 'ok' }, two: { status: 'ok' } },
  });
});

it('a process that misses one thing says which, and why', async () => {
  const health = new Health()
    .add('one', async () => 'fine')
    .add('two', () => Promise.reject(new Error('nobody there')));
  expect(await health.report()).toMatchObject({
    status: 'unavailable',
    checks: { one: { status: 'ok' }, two: { status: 'unavailable', detail: 'nobody there' } },
  });
});

it('what hangs counts as unavailable after some seconds', async () => {
  const health = new Health().add('stuck', () => new Promise(() => {}));
  expect((await health.report()).checks.stuck).toMatchObject({
    status: 'unavailable',
    detail: expect.stringContaining('3000'),
  });
});

it('a process that is stopping is not ready any more', async () => {
  const health = new Health().add('one', async () => 'fine');
  health.stopping();
  expect((await health.report()).status).toBe('unavailable');
});
