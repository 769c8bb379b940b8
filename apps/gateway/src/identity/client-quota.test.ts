import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayTrial, type TrialAnswer } from '../gateway-trial.js';
import { callerFor } from './identity-trial.js';

const admin = callerFor();
let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start({ HEDDLE_LIMIT_TENANT_CLIENTS: '2' });
});

afterAll(() => trial.stop());

const put = (client: string, caller = admin): Promise<TrialAnswer> =>
  trial.ask(caller, 'PUT', `/v1/clients/${client}`, { permissions: [] });

it('a tenant has no more clients than its quota, those it has can be changed, and one that is deleted makes room', async () => {
  expect([(await put('one')).status, (await put('two')).status]).toEqual([201, 201]);
  expect(await put('three')).toMatchObject({ status: 409, json: { code: 'quota-exceeded', field: 'clients' } });
  expect((await put('two')).status).toBe(200);
  expect((await put('three', callerFor('acme'))).status).toBe(201);
  await trial.ask(admin, 'DELETE', '/v1/clients/one');
  expect((await put('three')).status).toBe(201);
});
