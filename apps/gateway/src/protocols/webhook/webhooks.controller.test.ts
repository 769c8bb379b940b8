import 'reflect-metadata';
import { guardRoutes } from '@heddle/auth';
import { Health, createHttpApp, createLog, createMetrics } from '@heddle/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TrialGuard } from '../../identity/identity-trial.js';
import { ADMIN, VALID, WebhooksTrial } from './webhooks-trial.js';
import { WebhooksController } from './webhooks.controller.js';
import { Webhooks } from './webhooks.js';

class TrialModule {}

const trial = new WebhooksTrial();
const guard = new TrialGuard();
let app: Awaited<ReturnType<typeof createHttpApp>>;

beforeAll(async () => {
  const module = {
    module: TrialModule,
    controllers: [WebhooksController],
    providers: [{ provide: Webhooks, useValue: trial.webhooks }],
  };
  const log = createLog('test', 'silent');
  app = await createHttpApp(module, {
    log,
    health: new Health(),
    metrics: createMetrics('test'),
    openApi: {},
    guard: (server) => guardRoutes(server, guard),
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});

afterAll(async () => {
  trial.webhooks.close();
  await app.close();
});

it('a webhook is created, read, changed under its ETag and deleted', async () => {
  const created = await call('PUT', '/v1/webhooks/hook', VALID);
  expect([created.status, created.etag]).toEqual([201, '"1"']);
  const read = await call('GET', '/v1/webhooks/hook');
  expect([read.status, read.etag, read.json]).toEqual([200, '"1"', { ...created.json, secret: undefined }]);
  expect((await call('PUT', '/v1/webhooks/hook', VALID, { 'if-match': '"1"' })).etag).toBe('"2"');
  const late = await call('PUT', '/v1/webhooks/hook', VALID, { 'if-match': '"1"' });
  expect([late.status, late.json]).toMatchObject([412, { code: 'precondition-failed', field: 'if-match' }]);
  expect((await call('DELETE', '/v1/webhooks/hook', undefined, { 'if-match': '"1"' })).status).toBe(412);
  expect((await call('DELETE', '/v1/webhooks/hook')).status).toBe(204);
  expect((await call('GET', '/v1/webhooks/hook')).json).toMatchObject({ code: 'not-found' });
});

it('pause, resume, rotate and test need no body', async () => {
  await call('PUT', '/v1/webhooks/verbs', VALID);
  expect((await call('POST', '/v1/webhooks/verbs/pause')).json).toMatchObject({ state: 'paused' });
  expect((await call('POST', '/v1/webhooks/verbs/resume')).json).toMatchObject({ state: 'active' });
  const rotated = await call('POST', '/v1/webhooks/verbs/secrets/rotate');
  expect([rotated.status, rotated.json]).toMatchObject([200, { secret: expect.stringMatching(/^whsec_/) as string }]);
  expect((await call('POST', '/v1/webhooks/verbs/secrets/rotate', { kind: 'v1a' })).json).toMatchObject({
    secret: expect.stringMatching(/^whsk_/) as string,
  });
  expect((await call('POST', '/v1/webhooks/verbs/test')).json).toMatchObject({
    event: { isSample: true },
    attempt: { delivered: true, status: 204 },
  });
  expect((await call('POST', '/v1/webhooks/verbs/test', { id: 'nowhere' })).status).toBe(404);
});

it('a callback is answered by GET and by POST, and one that nobody waits for is not found', async () => {
  const token = `local.hook.${'a'.repeat(43)}`;
  for (const method of ['GET', 'POST'] as const) {
    expect((await call(method, `/v1/webhooks/handshake/${token}`)).json).toMatchObject({ code: 'not-found' });
  }
  const handshake = { origin: 'events.example.com' };
  await call('PUT', '/v1/webhooks/asked', { ...VALID, url: 'http://127.0.0.1:1/', handshake });
  const { consent } = trial.stored.get('asked')!;
  if (!('token' in consent)) throw new Error('it has been asked');
  const granted = await call('GET', `/v1/webhooks/handshake/${consent.token}`);
  expect([granted.status, granted.json]).toEqual([200, { webhook: 'asked', state: 'granted' }]);
  const again = await call('POST', `/v1/webhooks/handshake/${consent.token}`, undefined, {
    'webhook-allowed-rate': '60',
  });
  expect(again.status).toBe(200);
  expect((await call('GET', '/v1/webhooks/asked')).json).toMatchObject({ handshake: { ratePerMinute: 60 } });
});

it('a field that is wrong is named, and one that is not known with the nearest that is', async () => {
  const wrong = await call('PUT', '/v1/webhooks/hook', { ...VALID, url: 'no', delivry: {} });
  expect([wrong.status, wrong.json]).toMatchObject([422, { code: 'data-invalid' }]);
  expect(JSON.stringify(wrong.json)).toContain('did you mean delivery?');
  expect((await call('PUT', '/v1/webhooks/handshake', VALID)).json).toMatchObject({ code: 'parameter-invalid' });
});

async function call(
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  url: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; etag: unknown; json: Record<string, unknown> }> {
  const response = await app
    .getHttpAdapter()
    .getInstance()
    .inject({
      method,
      url,
      headers: { authorization: guard.bearerFor(ADMIN), ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
  const json = (response.body === '' ? {} : JSON.parse(response.body)) as Record<string, unknown>;
  return { status: response.statusCode, etag: response.headers.etag, json };
}
