import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayTrial } from './gateway-trial.js';
import { callerFor } from './identity/identity-trial.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const all = callerFor('local', ['*'], 'all-of-local');
const other = callerFor('acme', ['*'], 'all-of-acme');
const few = callerFor('local', ['consume:queue:exact'], 'few-of-local');

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start();
  for (const [name, body] of [
    ['exact', { types: [SIGNED] }],
    ['pattern', { types: ['heddle.contract.*'] }],
    ['elsewhere', { types: ['heddle.contract.*'], topics: ['sales-order'] }],
    ['others', { types: ['sap.s4.beh.*'] }],
  ] as const)
    expect((await trial.ask(all, 'PUT', `/v1/queues/${name}`, body)).status).toBe(201);
});

afterAll(() => trial.stop());

async function readers(caller: typeof all, type = SIGNED): Promise<Record<string, unknown>> {
  return (await trial.ask(caller, 'GET', `/v1/catalogue/${type}/readers`)).json;
}

it('of a type are the queues that want it and read its topic, and the groups on Kafka', async () => {
  expect(await readers(all)).toEqual({
    type: SIGNED,
    queues: [{ name: 'exact' }, { name: 'pattern' }],
    services: [{ name: 'trial' }],
  });
});

it('are of the tenant that asks, and of what it may see', async () => {
  expect(await readers(few)).toMatchObject({ queues: [{ name: 'exact' }] });
  expect(await readers(other)).toMatchObject({ queues: [] });
});

it('of a type that there is not are 404', async () => {
  expect((await trial.ask(all, 'GET', '/v1/catalogue/heddle.no.v1.No.Such.v1/readers')).status).toBe(404);
});
