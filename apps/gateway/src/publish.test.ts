import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { callerFor } from './identity/identity-trial.js';
import { CONTRACT_DRAFTED, CONTRACT_SIGNED, TrialStreams } from './streams/streams-trial.js';

let trial: TrialStreams;

beforeEach(async () => {
  trial = await TrialStreams.start();
});

afterEach(() => trial.close());

it('an event goes to the topic of the tenant it comes from, which is made when it is the first', async () => {
  expect(await trial.eventLog.topics()).not.toContain('acme.contract');
  const [one] = await trial.publish(callerFor('acme'), 'K', 'e1');
  expect(one).toMatchObject({ position: { topic: 'acme.contract', offset: 0 }, duplicate: false });
  const [two] = await trial.publish(callerFor(), 'K', 'e1');
  expect(two).toMatchObject({ position: { topic: 'contract', offset: 0 }, duplicate: false });
});

it('a tenant appends once what it publishes twice, and is not in the way of another one with the same ids', async () => {
  const [acme, other] = [callerFor('acme'), callerFor('other')];
  await trial.publish(acme, 'K', 'e1');
  expect(await trial.publish(acme, 'K', 'e1')).toMatchObject([{ duplicate: true }]);
  expect(await trial.publish(other, 'K', 'e1')).toMatchObject([{ duplicate: false }]);
  await trial.restart();
  await vi.waitFor(() => expect(trial.dispatcher.dispatched).toBe(2), { timeout: 10_000 });
});

it('what is not permitted is refused for itself alone, before anything about its type is said', async () => {
  const caller = callerFor('acme', ['publish:type:heddle.contract.v1.Contract.Signed.*']);
  const outcomes = await trial.publisher.publish(caller, [
    trial.event(CONTRACT_SIGNED, 'K', 'e1'),
    trial.event(CONTRACT_DRAFTED, 'K', 'e2'),
    { attributes: { id: 'e3', source: '/test', type: 'no.such.Type.v1' }, data: { json: {} } },
    trial.event(CONTRACT_SIGNED, 'K', 'e4'),
  ]);
  const seen = outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : 'accepted'));
  expect(seen).toEqual([
    'accepted',
    `The client tester needs the permission publish:type:${CONTRACT_DRAFTED}.`,
    'The client tester needs the permission publish:type:no.such.Type.v1.',
    'accepted',
  ]);
  expect(outcomes[1]).toMatchObject({ error: { code: 'permission-missing', status: 403 } });
});

it('a topic that cannot be made now is a refusal that may be tried again, and then it can', async () => {
  const making = vi.spyOn(trial.eventLog, 'ensureTopics').mockRejectedValueOnce(new Error('away'));
  expect(await trial.publish(callerFor('acme'), 'K', 'e1')).toMatchObject([{ error: { code: 'internal' } }]);
  expect(await trial.publish(callerFor('acme'), 'K', 'e1', 'e2')).toMatchObject([
    { duplicate: false },
    { duplicate: false },
  ]);
  expect(making).toHaveBeenCalledTimes(2);
});

it('a type that a service owns is published by nobody else, unless the type is open: then without a number', async () => {
  const owned = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
  const numbered = trial.event(CONTRACT_SIGNED, 'K', 'e2');
  const outcomes = await trial.publisher.publish(callerFor(), [
    { attributes: { id: 'e1', source: '/test', type: owned }, data: { json: {} } },
    { ...numbered, attributes: { ...numbered.attributes, sequence: '000000000001' } },
    trial.event(CONTRACT_SIGNED, 'K', 'e3'),
  ]);
  expect(outcomes).toMatchObject([
    { error: { code: 'type-owned', field: 'attributes.type' } },
    { error: { code: 'attribute-invalid', field: 'attributes.sequence' } },
    { duplicate: false },
  ]);
});
