import 'reflect-metadata';
import { guardRoutes } from '@heddle/auth';
import { Health, createHttpApp, createLog, createMetrics, openApiDocument } from '@heddle/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrialGuard, callerFor } from '../identity/identity-trial.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { LedgerTrial } from './ledger-trial.js';
import { LedgerController } from './ledger.controller.js';
import { ledgerRoutes } from './ledger.openapi.js';

class TrialModule {}

const guard = new TrialGuard();
const log = createLog('test', 'silent');

describe('the ledger over HTTP', () => {
  let trial: LedgerTrial;
  let app: Awaited<ReturnType<typeof createHttpApp>>;

  beforeEach(async () => {
    trial = await LedgerTrial.start();
    const controllers = [LedgerController, DeadLettersController];
    const module = { module: TrialModule, controllers, providers: trial.lookUps.providers };
    const openApi = openApiDocument('test', 'test', ledgerRoutes);
    app = await createHttpApp(module, {
      log,
      health: new Health(),
      metrics: createMetrics('test'),
      openApi,
      guard: (server) => guardRoutes(server, guard),
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const event = await trial.append('4711', 'e 1');
    trial.attempted(event, { outcome: 'rejected', final: 'dead', status: 500 });
    trial.givenUp(event);
    trial.ledger.operation({ kind: 'webhook.failing', tenant: 'local', name: 'hook' });
    trial.ledger.audit({
      tenant: 'local',
      who: 'anna',
      from: '127.0.0.1',
      action: 'webhook.delete',
      target: 'webhook/old',
      result: 'done',
    });
    await trial.ledger.flush();
  });

  afterEach(async () => {
    await app.close();
    await trial.close();
  });

  async function ask(method: 'GET' | 'POST', url: string, body?: object) {
    const answer = await app.inject({
      method,
      url,
      headers: { authorization: guard.bearerFor(callerFor()) },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, json: answer.json<Record<string, unknown>>() };
  }

  it.each([
    ['/v1/attempts?queue=orders&outcome=failed&limit=5', { attempts: [{ status: 500, event: { id: 'e 1' } }] }],
    ['/v1/events/e%201?source=%2Forders', { id: 'e 1', partial: false, events: [{ event: { key: '4711' } }] }],
    ['/v1/dead-letters?reason=status', { deadLetters: [{ state: 'open', queue: 'orders' }] }],
    ['/v1/dead-letters/redrives', { redrives: [] }],
    ['/v1/operations?kind=webhook.failing', { operations: [{ name: 'hook' }] }],
    ['/v1/audit?who=anna', { entries: [{ target: 'webhook/old', result: 'done' }] }],
  ])('GET %s answers with what is there', async (url, expected) => {
    expect(await ask('GET', url)).toMatchObject({ status: 200, json: expected });
  });

  it('lists the events of an object of a topic', async () => {
    const { status, json } = await ask('GET', `/v1/objects/${trial.topic}/4711/events`);
    expect({ status, json }).toMatchObject({ status: 200, json: { events: [{ deliveries: [{ state: 'dead' }] }] } });
  });

  it('redrives a letter, and reports', async () => {
    const { json: list } = await ask('GET', '/v1/dead-letters');
    const [{ id }] = list['deadLetters'] as [{ id: string }];
    expect(await ask('GET', `/v1/dead-letters/${id}`)).toMatchObject({ status: 200, json: { stored: { data: {} } } });
    expect(await ask('POST', '/v1/dead-letters/redrive', { ids: [id], dryRun: true })).toMatchObject({
      status: 200,
      json: { state: 'counted', selected: 1, queues: { orders: 1 } },
    });
    const begun = await ask('POST', '/v1/dead-letters/redrive', { ids: [id] });
    expect(begun).toMatchObject({ status: 202, json: { selected: 1 } });
    const report = `/v1/dead-letters/redrives/${String(begun.json['id'])}`;
    await expect.poll(async () => (await ask('GET', report)).json['state'], { timeout: 10_000 }).toBe('done');
    expect(await ask('POST', `${report}/stop`)).toMatchObject({ status: 200, json: { state: 'done', placed: 1 } });
    expect(await ask('GET', `/v1/dead-letters/${id}`)).toMatchObject({ json: { state: 'redriven' } });
  });

  it.each([
    ['GET', '/v1/attempts?limit=0', 422, 'data-invalid'],
    ['GET', '/v1/attempts?colour=red', 422, 'data-invalid'],
    ['GET', '/v1/attempts?cursor=x', 422, 'data-invalid'],
    ['GET', '/v1/events/unknown', 404, 'not-found'],
    ['GET', '/v1/dead-letters/0-77', 404, 'not-found'],
    ['GET', '/v1/dead-letters/redrives/unknown', 404, 'not-found'],
  ] as const)('%s %s is answered with %i %s', async (method, url, status, code) => {
    expect(await ask(method, url)).toMatchObject({ status, json: { code } });
  });

  it('refuses a redrive of nothing in particular', async () => {
    expect(await ask('POST', '/v1/dead-letters/redrive', {})).toMatchObject({
      status: 422,
      json: { code: 'data-invalid', field: 'ids' },
    });
  });
});
