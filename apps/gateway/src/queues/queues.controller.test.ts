import { guardRoutes } from '@heddle/auth';
import { Health, createHttpApp, createLog, createMetrics } from '@heddle/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrialGuard } from '../identity/identity-trial.js';
import { QueuesController } from './queues.controller.js';
import { queueRoutes } from './queues.openapi.js';
import { Queues } from './queues.js';
import { ADMIN, TYPE, TrialQueues } from './queues-trial.js';

type App = Awaited<ReturnType<typeof createHttpApp>>;

class TrialModule {}

describe('the management of queues over HTTP', () => {
  let trial: TrialQueues;
  let app: App;
  const guard = new TrialGuard();

  beforeEach(async () => {
    trial = new TrialQueues();
    await trial.start();
    const module = {
      module: TrialModule,
      controllers: [QueuesController],
      providers: [{ provide: Queues, useValue: trial.queues }],
    };
    app = await createHttpApp(module, {
      log: createLog('test', 'silent'),
      health: new Health(),
      metrics: createMetrics('test'),
      openApi: {},
      guard: (server) => guardRoutes(server, guard),
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterEach(async () => {
    trial.queues.stop();
    await app.close();
  });

  async function ask(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; etag: unknown; json: Record<string, unknown> }> {
    const answer = await app
      .getHttpAdapter()
      .getInstance()
      .inject({
        method,
        url: `/v1/queues${path}`,
        headers: { authorization: guard.bearerFor(ADMIN), ...headers },
        ...(body === undefined ? {} : { payload: body }),
      });
    const json = answer.body === '' ? {} : (answer.json() as Record<string, unknown>);
    return { status: answer.statusCode, etag: answer.headers.etag, json };
  }

  it('makes, shows, changes, lists and deletes a queue; the ETag is its version', async () => {
    const made = await ask('PUT', '/orders', { types: [TYPE] });
    expect(made).toMatchObject({
      status: 201,
      etag: '"1"',
      json: { name: 'orders', statistics: { ready: 0, lag: 7 } },
    });
    expect(await ask('PUT', '/orders', { types: [TYPE], leaseMs: 5000 })).toMatchObject({ status: 200, etag: '"2"' });
    expect(await ask('GET', '/orders')).toMatchObject({ status: 200, etag: '"2"', json: { leaseMs: 5000 } });
    expect((await ask('GET', '')).json).toMatchObject({ queues: [{ name: 'orders', version: 2 }] });
    expect(await ask('DELETE', '/orders')).toMatchObject({ status: 204 });
    expect(await ask('GET', '/orders')).toMatchObject({ status: 404, json: { code: 'not-found' } });
  });

  it('pauses, resumes and purges', async () => {
    await ask('PUT', '/orders', { types: [TYPE] });
    expect(await ask('POST', '/orders/pause')).toMatchObject({ status: 200, json: { paused: true } });
    expect(await ask('POST', '/orders/resume')).toMatchObject({ status: 200, json: { paused: false } });
    expect(await ask('POST', '/orders/purge', {})).toMatchObject({ status: 200, json: { name: 'orders' } });
    expect(trial.purged).toHaveLength(1);
  });

  it('changes on condition', async () => {
    const body = { types: [TYPE], leaseMs: 5000 };
    expect(await ask('PUT', '/orders', body, { 'if-match': '*' })).toMatchObject({ status: 412 });
    expect(await ask('PUT', '/orders', body, { 'if-none-match': '*' })).toMatchObject({ status: 201 });
    expect(await ask('PUT', '/orders', body, { 'if-none-match': '*' })).toMatchObject({ status: 412 });
    expect(await ask('PUT', '/orders', { ...body, leaseMs: 6000 }, { 'if-match': '"1"' })).toMatchObject({
      status: 200,
    });
    expect(await ask('DELETE', '/orders', undefined, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      json: { code: 'precondition-failed' },
    });
    expect(await ask('DELETE', '/orders', undefined, { 'if-match': '"1", "2"' })).toMatchObject({ status: 204 });
  });

  it.each([
    [{}, 'types', 'data-invalid'],
    [{ types: ['a*b'] }, 'types.0', 'data-invalid'],
    [{ types: [TYPE], leasMs: 5000 }, 'leasMs', 'data-invalid'],
    [{ types: [TYPE], retry: { delays: [1] } }, 'retry.delays', 'data-invalid'],
    [{ types: [TYPE], retry: { delaysMs: [1], attempts: 2 } }, 'retry', 'data-invalid'],
    [{ types: [TYPE], start: 'yesterday' }, 'start', 'data-invalid'],
    [{ types: [TYPE], maxInFlight: 0 }, 'maxInFlight', 'data-invalid'],
    [{ types: [TYPE], topics: ['contact'] }, 'topics.0', 'data-invalid'],
    [{ types: [TYPE], filter: [{ exact: {} }] }, 'filter.0.exact', 'filter-invalid'],
  ])('refuses %j, naming %s', async (body, field, code) => {
    expect(await ask('PUT', '/orders', body)).toMatchObject({ status: 422, json: { code, field } });
    expect(trial.stored.size).toBe(0);
  });

  it('names the nearest field for one it does not know', async () => {
    const slips = { leasMs: 'leaseMs', deadletters: 'deadLetters', inFlightMax: 'there are types' };
    for (const [slip, hint] of Object.entries(slips)) {
      const { json } = await ask('PUT', '/orders', { types: [TYPE], [slip]: 1 });
      expect(json.detail).toContain(hint);
    }
    const { json } = await ask('PUT', '/orders', { types: [TYPE], retry: { firstM: 5 } });
    expect(json).toMatchObject({ field: 'retry.firstM', detail: expect.stringContaining('firstMs') as string });
  });

  it('refuses a name that is none', async () => {
    expect(await ask('PUT', '/a%20b', { types: [TYPE] })).toMatchObject({
      status: 400,
      json: { code: 'parameter-invalid', field: 'name' },
    });
  });

  it('documents every route it has', () => {
    const paths = queueRoutes.map(({ method, path }) => `${method} ${path}`);
    for (const method of ['GET', 'PUT', 'DELETE']) expect(paths).toContain(`${method} /v1/queues/{name}`);
    for (const verb of ['pause', 'resume', 'purge', 'receive', 'settle']) {
      expect(paths).toContain(`POST /v1/queues/{name}/${verb}`);
    }
  });
});
