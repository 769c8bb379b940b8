import { expect, it, onTestFinished } from 'vitest';
import { Health } from './health.js';
import { createHttpApp } from './http-app.js';
import { createLog } from './log.js';
import { type MetricsExposure, metricsAccess, metricsSettings } from './metrics-access.js';
import { createMetrics } from './metrics.js';
import { defineSettings } from './settings.js';

const TOKEN = 'a-token-of-prometheus';

it.each<[who: string, exposure: MetricsExposure, isOpen: boolean]>([
  ['a process that only this machine can reach', { host: '127.0.0.1' }, true],
  ['one with a certificate of its own, on this machine', { host: 'localhost', tls: 'own' }, true],
  ['one that others can reach', { host: '0.0.0.0', tls: 'own' }, false],
  ['one behind a proxy on the same machine', { host: '127.0.0.1', tls: 'proxy' }, false],
  ['one that others can reach, whose metrics are said to be open', { host: '0.0.0.0', metrics: 'open' }, true],
  ['one on this machine, whose metrics are said to be closed', { host: '127.0.0.1', metrics: 'closed' }, false],
])('%s shows its metrics to whoever asks: %#', (_who, exposure, isOpen) => {
  const answer = () => metricsAccess(exposure)(undefined);
  if (isOpen) expect(answer).not.toThrow();
  else expect(answer).toThrow(expect.objectContaining({ status: 403 }) as Error);
});

it('with a token of their own metrics are for whoever shows it, on this machine as well', async () => {
  class Module {}
  const app = await createHttpApp(
    { module: Module },
    {
      log: createLog('test', 'silent'),
      health: new Health(),
      metrics: createMetrics('test'),
      openApi: {},
      exposure: { host: '127.0.0.1', metricsToken: TOKEN },
    },
  );
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/metrics`;
  const answer = (authorization?: string) =>
    fetch(url, { headers: authorization === undefined ? {} : { authorization } });
  expect((await answer()).status).toBe(401);
  expect((await answer()).headers.get('www-authenticate')).toMatch(/^Bearer/);
  for (const wrong of [TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, 'Bearer ', `Basic ${TOKEN}`]) {
    const refused = await answer(wrong);
    expect([wrong, refused.status]).toEqual([wrong, 401]);
    expect(await refused.text()).not.toContain('process_cpu');
  }
  const shown = await answer(`Bearer ${TOKEN}`);
  expect([shown.status, (await shown.text()).includes('process_cpu')]).toEqual([200, true]);
  expect((await fetch(url.replace('metrics', 'healthz'))).status).toBe(200);
});

it('a token that nobody would be asked for stops the start, and one that can be guessed is refused', () => {
  expect(() => metricsAccess({ host: '127.0.0.1', metrics: 'open', metricsToken: TOKEN })).toThrow(
    /HEDDLE_METRICS is open, and nobody would be asked/,
  );
  expect(() => defineSettings(metricsSettings).read({ HEDDLE_METRICS_TOKEN: 'short' })).toThrow('16 characters');
});
