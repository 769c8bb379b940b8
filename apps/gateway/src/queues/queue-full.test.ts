import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { GatewayTrial, type TrialAnswer } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const OTHER = 'heddle.contract.v1.Contract.Terminated.v1';
const PATIENT = { timeout: 10_000 };
const all = callerFor();
let trial: GatewayTrial;
let ids = 0;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

function event(type: string): object {
  const example = trial.catalogue.get(type)!.example as object;
  const data = { ...example, Contract: `K${ids}` };
  return { specversion: '1.0', id: `full-${(ids += 1)}`, source: '/test', type, data };
}

function publish(body: object, kind = 'cloudevents'): Promise<TrialAnswer> {
  return trial.ask(all, 'POST', '/v1/events', body, { 'content-type': `application/${kind}+json` });
}

async function settleAll(name: string): Promise<void> {
  const { json } = await trial.ask(all, 'POST', `/v1/queues/${name}/receive`, { max: 100, waitMs: 5000 });
  const leases = (json['deliveries'] as { lease: string }[]).map(({ lease }) => ({ lease, action: 'accept' }));
  await trial.ask(all, 'POST', `/v1/queues/${name}/settle`, { settlements: leases });
}

async function holds(name: string, messages: number): Promise<void> {
  await vi.waitFor(async () => {
    const { json } = await trial.ask(all, 'GET', `/v1/queues/${name}`);
    expect((json['statistics'] as { messages: number }).messages).toBe(messages);
  }, PATIENT);
}

it('an event that a full queue would take is refused to its publisher where the queue says so, until something of it is settled', async () => {
  const bounded = { types: [SIGNED], order: 'none', maxMessages: 1, whenFull: 'refuse-all' };
  const put = await trial.ask(all, 'PUT', '/v1/queues/strict', bounded);
  expect([put.status, put.json]).toMatchObject([201, { whenFull: 'refuse-all' }]);
  expect((await publish(event(SIGNED))).status).toBe(202);
  await holds('strict', 1);
  const refused = await publish(event(SIGNED));
  expect([refused.status, refused.json]).toMatchObject([507, { code: 'queue-full', retryable: true }]);
  const batch = await publish([event(OTHER), event(SIGNED)], 'cloudevents-batch');
  expect([batch.status, batch.json]).toMatchObject([
    207,
    { accepted: 1, refused: 1, results: [{ status: 202 }, { status: 507, problem: { code: 'queue-full' } }] },
  ]);
  await settleAll('strict');
  await holds('strict', 0);
  expect((await publish(event(SIGNED))).status).toBe(202);
  await settleAll('strict');
  expect((await trial.ask(all, 'DELETE', '/v1/queues/strict')).status).toBe(204);
});

it('what others want, too, is not held back by a queue that says nothing of it; what is published as a message is', async () => {
  const usual = await trial.ask(all, 'PUT', '/v1/queues/usual', { types: [SIGNED], order: 'none', maxMessages: 1 });
  expect([usual.status, usual.json]).toMatchObject([201, { whenFull: 'refuse-messages' }]);
  for (const messages of [1, 2]) {
    expect((await publish(event(SIGNED))).status).toBe(202);
    await holds('usual', messages);
  }
  const topic = encodeURIComponent(`default/heddle/s4/ce/${SIGNED.replaceAll('.', '/')}`);
  const data = trial.catalogue.get(SIGNED)!.example as object;
  const path = `/messagingrest/v1/topics/${topic}/messages`;
  const refused = await trial.ask(all, 'POST', path, data, { 'x-qos': '1' });
  expect([refused.status, refused.json]).toMatchObject([507, { error: { code: 'SPOOL_LIMIT_EXCEEDED' } }]);
});
